// The commands of mainstayctl that an operator works with: servers, mails and webhooks that wait, the log, failover.
#include <fmt/format.h>

#include <memory>
#include <string_view>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "ctl_commands.hpp"

namespace mainstay::cli {
namespace {

constexpr const char* kServersFooter =
    "SERVERS is an address or address:port, as in `10.0.0.11`, `10.0.0.*:80`, `[2001:db8::1]:80`. SERVICES is the\n"
    "same, or a mark (`fwmark 5`) or a group name: `drain web/10.0.0.11`, `weight 10.0.0.1:80/* 5`.\n"
    "HAProxy's `set server ... state drain|maint|ready` is `drain`, `disable`, `enable` here.";

std::string is_duration(const std::string& text) {
    return seconds_of(text) ? std::string{} : "must be a time as in 90s, 30m, 1h30m, 2d, of 1s to 366d";
}

using Servers = std::shared_ptr<ServerOptions>;

CLI::App* add_server_verb(CLI::App& server, const Servers& options, const char* name, const char* help) {
    auto* verb = server.add_subcommand(name, help);
    auto* which =
        verb->add_option("SERVERS", options->which, "Select [SERVICES/]SERVERS by name; wildcards are * and ?");
    if (std::string_view{name} != "show") {
        which->required();
        verb->add_flag("--dry-run", options->dry_run,
                       "Show the changes, make none; exit 0 nothing would change, 1 something, 2 refused");
    }
    verb->callback([options, name] { options->verb = name; });
    return verb;
}

CLI::App* add_override(CLI::App& server, const Servers& options, const char* name, const char* help) {
    auto* verb = add_server_verb(server, options, name, help);
    verb->add_option("--for", options->duration, "End the override after this time, as in 90s, 30m, 1h30m, 2d")
        ->check(is_duration);
    verb->add_option("--reason", options->reason, "Show this text in status, why and log");
    return verb;
}

void add_wait(CLI::App& verb, const Servers& options) {
    auto* wait =
        verb.add_flag("--wait", options->wait, "Wait until no connection is left; exit 0 drained, 1 some are left");
    verb.add_option("--timeout", options->timeout, "Wait at most this long, as in 90s, 30m, 1h30m")
        ->capture_default_str()
        ->check(is_duration)
        ->needs(wait);
}

void add_servers(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<ServerOptions>();
    auto* server = app.add_subcommand("server", "Drain or disable real servers or set their weights, until reset");
    server->require_subcommand(1);
    server->footer(kServersFooter);
    add_server_verb(*server, options, "show", "Show server states and overrides");
    auto* drain =
        add_override(*server, options, "drain", "Set weight 0: connections continue, no new ones are scheduled");
    drain->add_flag("--expire-persistence", options->expire_persistence,
                    "Also release clients that persistence_timeout binds to servers with weight 0, of any service");
    add_wait(*drain, options);
    auto* disable =
        add_override(*server, options, "disable", "Remove servers from the IPVS table and stop their health checks");
    add_wait(*disable, options);
    add_server_verb(*server, options, "enable", "Remove overrides");
    add_override(*server, options, "weight", "Set a server's weight until it is reset with enable")
        ->add_option("WEIGHT", options->weight, "Set this weight, 0..2147483647")
        ->required()
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{2'147'483'647}));
    server->callback([options, &chosen] {
        if (options->which.empty()) options->which = "*";
        chosen.with_daemon = [options](const std::string& socket) { return ctl_servers(socket, *options); };
    });
}

struct QueueWords {  // help texts
    const char *things, *queue, *retry, *drop, *test, *to, *to_whom;
};

void add_queue(CLI::App& app, Chosen& chosen, const char* name, const char* help, bool of_webhooks,
               const QueueWords& words) {
    const auto options = std::make_shared<MailOptions>();
    options->of_webhooks = of_webhooks;
    auto* group = app.add_subcommand(name, help);
    group->require_subcommand(1);
    const auto add_verb = [&](const char* verb, const std::string& what) {
        auto* added = group->add_subcommand(verb, what);
        added->callback([options, verb] { options->verb = verb; });
        return added;
    };
    add_verb("queue", words.queue)->add_flag("--json", options->as_json, "Print the daemon's answer as JSON");
    auto* retry = add_verb("retry", words.retry);
    retry->add_option("ID", options->ids, fmt::format("Try these {} (default: all)", words.things));
    retry->add_flag("--all", options->all, fmt::format("Try all {}", words.things));
    auto* drop = add_verb("drop", words.drop);
    drop->add_option("ID", options->ids, fmt::format("Delete these {}", words.things));
    drop->add_flag("--all", options->all, "Delete all of them");
    add_verb("test", words.test)->add_option("--to", options->to, words.to)->type_name(words.to_whom);
    asks_daemon(*group, chosen, options, ctl_mail);
}

void add_queues(CLI::App& app, Chosen& chosen) {
    add_queue(app, chosen, "mail", "Show, retry and drop mails that are not delivered, and test the relays", false,
              {.things = "mails",
               .queue = "Show the mails that wait and those that have failed",
               .retry = "Try mails now, also those that have failed",
               .drop = "Delete mails that wait or have failed",
               .test = "Send a test mail now and show the dialogue with the relay; exit 0 delivered, 1 not, 2 refused",
               .to = "Send it to this address instead of those of notification_email",
               .to_whom = "ADDRESS"});
    add_queue(app, chosen, "webhook", "Show, retry and drop events that wait for webhooks, and test the webhooks", true,
              {.things = "events",
               .queue = "Show the webhooks, the events that wait for them and those that have failed",
               .retry = "Try events now, also those that have failed",
               .drop = "Delete events that wait or have failed",
               .test = "Send a marked test event now and show the answers; exit 0 all accepted it, 1 not, 2 refused",
               .to = "Send it to this webhook instead of to all",
               .to_whom = "WEBHOOK"});
}

void add_log_level(CLI::App& app, Chosen& chosen) {
    struct Options {
        std::string module, level;  // of one word the level
    };
    const auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand(
        "loglevel", "Show the levels of the log, or set them until the daemon restarts; exit 0 done, 2 refused");
    command->add_option("MODULE", options->module,
                        "Of this module: supervisor, config, vrrp, lvs, bfd, track, snmp, observer, mail, webhook or "
                        "api; without it, of all");
    command->add_option("LEVEL", options->level, "Set this level: debug, info, notice, warning, error or default");
    asks_daemon(*command, chosen, options, [](const std::string& socket, const Options& given) {
        std::vector<std::string> words;
        for (const auto* word : {&given.module, &given.level})
            if (!word->empty()) words.push_back(*word);
        return ctl_log_level(socket, words);
    });
}

void add_failover(CLI::App& app, Chosen& chosen) {
    struct Options {
        std::string which;
        bool back = false, dry_run = false;
    };
    const auto options = std::make_shared<Options>();
    auto* failover = app.add_subcommand(
        "failover", "Hand an instance or sync group over once; exit 0 handed over, 1 nobody took over, 2 refused");
    failover->add_option("INSTANCE", options->which, "Select this instance with its sync group, or a sync group")
        ->required();
    failover->add_flag("--back", options->back, "Let it preempt again, as configured, after an earlier failover");
    failover->add_flag("--dry-run", options->dry_run, "Show what would happen; exit 0 nothing, 1 something, 2 refused");
    asks_daemon(*failover, chosen, options, [](const std::string& socket, const Options& given) {
        return ctl_failover(socket, given.which, given.back, given.dry_run);
    });
}

void add_maintenance(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<MaintenanceOptions>();
    auto* maintenance = app.add_subcommand(
        "maintenance", "Step back: hand all instances over, and be MASTER only if no other router is heard");
    maintenance->require_subcommand(1);
    const auto add_verb = [&](const char* name, const char* help) {
        auto* verb = maintenance->add_subcommand(name, help);
        verb->callback([options, name] { options->verb = name; });
        return verb;
    };
    auto* begin = add_verb("on", "Begin; exit 0 done, 1 nobody took some instance over, 2 refused");
    begin->add_option("--for", options->duration, "End it after this time, as in 90s, 30m, 1h30m, 2d")
        ->check(is_duration);
    begin->add_option("--reason", options->reason, "Show this text in status and log");
    begin->add_flag("--dry-run", options->dry_run, "Show what would happen; exit 1");
    add_verb("off", "End: the instances have their configured priorities again")
        ->add_flag("--dry-run", options->dry_run, "Show what would happen; exit 1");
    add_verb("show", "Show since when, until when, by whom and why");
    asks_daemon(*maintenance, chosen, options, ctl_maintenance);
}

}  // namespace

void add_operate_commands(CLI::App& app, Chosen& chosen) {
    add_servers(app, chosen);
    add_queues(app, chosen);
    add_log_level(app, chosen);
    add_failover(app, chosen);
    add_maintenance(app, chosen);
}

}  // namespace mainstay::cli
