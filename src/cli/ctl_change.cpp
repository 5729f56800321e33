#include "ctl_change.hpp"

#include <fmt/format.h>

#include <string_view>

namespace mainstay::cli {
namespace {

constexpr const char* kServersFooter =
    "SERVERS is an address or address:port, as in `10.0.0.11`, `10.0.0.*:80`, `[2001:db8::1]:80`. SERVICES is the\n"
    "same, or a mark (`fwmark 5`) or a group name: `drain web/10.0.0.11`, `weight 10.0.0.1:80/* 5`.\n"
    "HAProxy's `set server ... state drain|maint|ready` is `drain`, `disable`, `enable` here.";

std::string is_duration(const std::string& text) {
    return seconds_of(text) ? std::string{} : "must be a time as in 90s, 30m, 1h30m, 2d, at most 366d";
}

}  // namespace

ChangeCommands::ChangeCommands(CLI::App& app) {
    add_servers(app);
    add_mail(app);
    log_level_ = app.add_subcommand(
        "loglevel", "Show the levels of the log, or set them until the daemon restarts; exit 0 done, 2 refused");
    log_level_
        ->add_option("WORDS", log_level_words_,
                     "[MODULE] LEVEL sets; MODULE is supervisor, config, vrrp, lvs, bfd, track, snmp, observer, mail, "
                     "webhook or api (default: all), LEVEL is debug, info, notice, warning, error or default")
        ->expected(0, 2)
        ->type_name("[MODULE] [LEVEL]");
}

CLI::App* ChangeCommands::add_server_verb(const char* name, const char* help) {
    auto* verb = server_->add_subcommand(name, help);
    auto* which =
        verb->add_option("SERVERS", servers_.which, "Select [SERVICES/]SERVERS by name; wildcards are * and ?");
    if (std::string_view{name} != "show") {
        which->required();
        verb->add_flag("--dry-run", servers_.dry_run,
                       "Show the changes, make none; exit 0 nothing would change, 1 something, 2 refused");
    }
    verb->callback([this, name] { servers_.verb = name; });
    return verb;
}

CLI::App* ChangeCommands::add_override(const char* name, const char* help) {
    auto* verb = add_server_verb(name, help);
    verb->add_option("--for", servers_.duration, "End the override after this time, as in 90s, 30m, 1h30m, 2d")
        ->check(is_duration);
    verb->add_option("--reason", servers_.reason, "Show this text in status, why and log");
    return verb;
}

void ChangeCommands::add_wait(CLI::App& verb) {
    auto* wait =
        verb.add_flag("--wait", servers_.wait, "Wait until no connection is left; exit 0 drained, 1 some are left");
    verb.add_option("--timeout", servers_.timeout, "Wait at most this long, as in 90s, 30m, 1h30m")
        ->capture_default_str()
        ->check(is_duration)
        ->needs(wait);
}

void ChangeCommands::add_servers(CLI::App& app) {
    server_ = app.add_subcommand("server", "Drain or disable real servers or set their weights, until reset");
    server_->require_subcommand(1);
    server_->footer(kServersFooter);
    add_server_verb("show", "Show server states and overrides");
    auto* drain = add_override("drain", "Set weight 0: connections continue, no new ones are scheduled");
    drain->add_flag("--expire-persistence", servers_.expire_persistence,
                    "Also release clients that persistence_timeout binds to servers with weight 0, of any service");
    add_wait(*drain);
    add_wait(*add_override("disable", "Remove servers from the IPVS table and stop their health checks"));
    add_server_verb("enable", "Remove overrides");
    add_override("weight", "Set a server's weight until it is reset with enable")
        ->add_option("WEIGHT", servers_.weight, "Set this weight, 0..2147483647")
        ->required()
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{2'147'483'647}));
}

CLI::App* ChangeCommands::add_queue(CLI::App& app, const char* name, const char* help, MailOptions& options,
                                    const QueueWords& words) {
    auto* group = app.add_subcommand(name, help);
    group->require_subcommand(1);
    const auto add_verb = [&options, group](const char* verb, const std::string& what) {
        auto* added = group->add_subcommand(verb, what);
        added->callback([&options, verb] { options.verb = verb; });
        return added;
    };
    add_verb("queue", words.queue)->add_flag("--json", options.as_json, "Print the daemon's answer as JSON");
    auto* retry = add_verb("retry", words.retry);
    retry->add_option("ID", options.ids, fmt::format("Try these {} (default: all)", words.things));
    retry->add_flag("--all", options.all, fmt::format("Try all {}", words.things));
    auto* drop = add_verb("drop", words.drop);
    drop->add_option("ID", options.ids, fmt::format("Delete these {}", words.things));
    drop->add_flag("--all", options.all, "Delete all of them");
    add_verb("test", words.test)->add_option("--to", options.to, words.to)->type_name(words.to_whom);
    return group;
}

void ChangeCommands::add_mail(CLI::App& app) {
    mail_ = add_queue(
        app, "mail", "Show, retry and drop mails that are not delivered, and test the relays", mail_options_,
        {.things = "mails",
         .queue = "Show the mails that wait and those that have failed",
         .retry = "Try mails now, also those that have failed",
         .drop = "Delete mails that wait or have failed",
         .test = "Send a test mail now and show the dialogue with the relay; exit 0 delivered, 1 not, 2 refused",
         .to = "Send it to this address instead of those of notification_email",
         .to_whom = "ADDRESS"});
    webhook_options_.of_webhooks = true;
    webhook_ = add_queue(
        app, "webhook", "Show, retry and drop events that wait for webhooks, and test the webhooks", webhook_options_,
        {.things = "events",
         .queue = "Show the webhooks, the events that wait for them and those that have failed",
         .retry = "Try events now, also those that have failed",
         .drop = "Delete events that wait or have failed",
         .test = "Send a marked test event now and show the answers; exit 0 all accepted it, 1 not, 2 refused",
         .to = "Send it to this webhook instead of to all",
         .to_whom = "WEBHOOK"});
}

std::optional<int> ChangeCommands::run(const std::string& socket) {
    if (*log_level_) return ctl_log_level(socket, log_level_words_);
    if (*mail_) return ctl_mail(socket, mail_options_);
    if (*webhook_) return ctl_mail(socket, webhook_options_);
    if (!*server_) return std::nullopt;
    if (servers_.which.empty()) servers_.which = "*";
    return ctl_servers(socket, servers_);
}

}  // namespace mainstay::cli
