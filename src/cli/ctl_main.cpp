// mainstayctl shows the daemon's state, controls it, checks configurations, and finds problems of the host.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "ctl.hpp"
#include "ctl_change.hpp"
#include "ctl_daemons.hpp"
#include "ctl_observe.hpp"
#include "ctl_supervisor.hpp"
#include "mainstay/role/common/identity.hpp"
#include "output.hpp"
#include "remote.hpp"

namespace {

using namespace mainstay::cli;

constexpr int kOutputLost = 2;  // an error in every subcommand's list of exit codes
constexpr int kUnknown = 3;     // of `status --check`

// What is wrong, and the help that says how it is right. CLI11's own exit codes say the kind of mistake, which no
// script asks for, and are none of those that the man page lists.
int wrong_usage(const CLI::App& app, const CLI::ParseError& problem) {
    std::string command = "mainstayctl";
    bool check = false;
    for (auto given = app.get_subcommands(); !given.empty(); given = given.front()->get_subcommands()) {
        command += " " + given.front()->get_name();
        check = check || (given.front()->get_name() == "status" && given.front()->count("--check") > 0);
    }
    std::string text = fmt::format("{}: {}\n", command, problem.what());
    if (command.starts_with("mainstayctl server") &&
        problem.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError))
        text += "a server of one service is named SERVICE/SERVER, as in 10.0.0.1:80/10.0.0.11:80\n";
    print_error(text + fmt::format("`{} --help` lists what it takes\n", command));
    return check ? kUnknown : kUsage;
}

int run(int argc, char** argv) {
    CLI::App app{"Show and check a mainstay director."};
    app.set_version_flag("--version", "mainstayctl " MAINSTAY_VERSION);
    app.require_subcommand(1);
    DaemonChoice choice;
    auto* by_socket = app.add_option("--socket", choice.socket, "Ask the daemon with this control socket");
    auto* by_name = app.add_option("--instance", choice.instance, "Ask the daemon of this name; `daemons` lists them")
                        ->type_name("NAME")
                        ->excludes(by_socket);
    app.add_option("--pid-file", choice.pid_file, "Ask the daemon that was started with -p FILE")
        ->type_name("FILE")
        ->excludes(by_socket)
        ->excludes(by_name);

    std::string host;  // run_remotely() takes it; here it is for the help
    app.add_option("--host", host, "Run the command on this host, over ssh; before the command")
        ->type_name("USER@HOST");

    bool as_json = false;
    ObserveCommands observe{app};

    MetricsRequest metrics;
    auto* metric = app.add_subcommand("metrics", "Print the daemon's metrics, as Prometheus collects them");
    metric->add_option("--scope", metrics.scope, "Print sums for each service (services, default) or also servers");
    metric->add_option("--compat", metrics.compat,
                       "Add names of other exporters: mehdy, mehdy-state, mehdy-2020, gen2brain, node_exporter");
    metric->add_flag("--openmetrics", metrics.openmetrics, "Print OpenMetrics instead of the Prometheus text format");
    metric->add_flag("--reference", metrics.reference, "Print the tables of all metrics, without the daemon");

    auto* config = app.add_subcommand("config", "Check, explain, compare and convert configuration files");
    config->require_subcommand(1);
    std::vector<std::string> files;
    auto* check = config->add_subcommand("check", "Show every diagnostic; exit 0 clean, 1 warnings, 2 errors");
    check->add_option("FILE", files, "Read these configuration files")->required();
    bool strict = false;
    check->add_flag("--json", as_json, "Print the diagnostics as one JSON array");
    check->add_flag("--strict", strict, "Treat warnings as errors");
    std::string config_id;
    check->add_option("-i,--config-id", config_id, "Compare @id lines with this name (default: the host name)");
    std::vector<std::string> keywords;
    auto* explain = config->add_subcommand("explain", "Explain what a keyword means, takes and does");
    explain->add_option("KEYWORD", keywords,
                        "Explain this keyword, or one of a block: TCP_CHECK/retry; without it, list all");
    bool as_man_page = false;
    std::string head;
    auto* reference = config->add_subcommand("reference", "Print the reference of all keywords");
    bool as_markdown = false;
    auto* markdown = reference->add_flag("--markdown", as_markdown, "Print Markdown tables (default)");
    auto* man = reference->add_flag("--man", as_man_page, "Print the keyword part of mainstay.conf(5)");
    man->excludes(markdown);
    bool as_toml_page = false;
    reference->add_flag("--toml-man", as_toml_page, "Print the keyword part of mainstay.toml(5)")
        ->excludes(markdown)
        ->excludes(man);
    bool as_list = false;
    reference->add_flag("--list", as_list, "Print one line for each keyword, for programs")
        ->excludes(markdown)
        ->excludes(man);
    reference->add_option("--head", head, "Print this file first");

    std::string first, second;
    auto* pair =
        config->add_subcommand("pair", "Compare the files of two directors; exit 0 clean, 1 warnings, 2 errors");
    pair->add_option("A", first, "Read one director's file")->required();
    pair->add_option("B", second, "Read the other director's file")->required();
    std::string file;
    auto* print = config->add_subcommand("print", "Print a file in canonical form; comments and includes are kept");
    print->add_option("FILE", file, "Read this configuration file")->required();
    auto* convert =
        config->add_subcommand("convert", "Convert a keepalived.conf to TOML, a .toml file to keepalived.conf");
    convert->add_option("FILE", file, "Read this keepalived.conf, or a file whose name ends in .toml")->required();
    auto* schema = config->add_subcommand("schema", "Print the JSON Schema that editors use for the TOML form");
    bool as_schema = true;
    schema->add_flag("--json", as_schema, "Print JSON (the only form)");
    auto* diff = config->add_subcommand(
        "diff", "Show what a reload from A to B would change; exit 0 nothing, 1 something, 2 error");
    diff->add_option("A", first, "Read the running configuration from this file")->required();
    diff->add_option("B", second, "Read the new configuration from this file")->required();
    diff->add_flag("--json", as_json, "Print the changes as JSON");

    auto* reload = app.add_subcommand("reload", "Reload the daemon's configuration; exit 0 done, 2 refused");
    bool dry_run = false, force = false;
    auto* dry = reload->add_flag("--dry-run", dry_run,
                                 "Show the changes, make none; exit 0 nothing changes, 1 something, 2 refused");
    reload
        ->add_flag("--force", force,
                   "Remove running services and instances that broken blocks of the file no longer define")
        ->excludes(dry);
    reload->add_option("FILE", file, "Compare FILE offline, without the daemon")->needs(dry);
    reload->add_flag("--json", as_json, "Print the changes as JSON");

    auto* upgrade = app.add_subcommand(
        "upgrade", "Upgrade the daemon to the program on disk; addresses and services stay; exit 2 refused");
    upgrade->add_option("PROGRAM", file, "Upgrade to this mainstayd (default: the daemon's own path)");

    TakeoverOptions taking_over;
    auto* takeover = app.add_subcommand(
        "takeover",
        "Take over from a running keepalived without a gap; exit 0 done, 2 not possible: keepalived goes on");
    takeover->add_option("--pid-file", taking_over.pid_file, "Find keepalived by this file")->capture_default_str();
    takeover->add_option("--unit", taking_over.unit, "Name of keepalived's systemd unit")->capture_default_str();
    auto* confirm = takeover->add_flag_callback(
        "--confirm", [&] { taking_over.what = TakeoverOptions::What::Confirm; },
        "Start mainstay at boot, not keepalived");
    takeover
        ->add_flag_callback(
            "--undo", [&] { taking_over.what = TakeoverOptions::What::Undo; }, "Go back to keepalived, likewise")
        ->excludes(confirm);

    ChangeCommands change{app};

    bool back = false;
    auto* failover = app.add_subcommand(
        "failover", "Hand an instance or sync group over once; exit 0 handed over, 1 nobody took over, 2 refused");
    failover->add_option("INSTANCE", first, "Select this instance with its sync group, or a sync group")->required();
    failover->add_flag("--back", back, "Let it preempt again, as configured, after an earlier failover");
    failover->add_flag("--dry-run", dry_run, "Show what would happen; exit 0 nothing, 1 something, 2 refused");

    MaintenanceOptions maintenance;
    auto* step_back = app.add_subcommand(
        "maintenance", "Step back: hand all instances over, and be MASTER only if no other router is heard");
    step_back->require_subcommand(1);
    const auto maintenance_verb = [&](const char* name, const char* help) {
        auto* verb = step_back->add_subcommand(name, help);
        verb->callback([&maintenance, name] { maintenance.verb = name; });
        return verb;
    };
    auto* begin = maintenance_verb("on", "Begin; exit 0 done, 1 nobody took some instance over, 2 refused");
    begin->add_option("--for", maintenance.duration, "End it after this time, as in 90s, 30m, 1h30m, 2d")
        ->check([](const std::string& text) {
            return seconds_of(text) ? std::string{} : "must be a time as in 90s, 30m, 1h30m, 2d, at most 366d";
        });
    begin->add_option("--reason", maintenance.reason, "Show this text in status and log");
    begin->add_flag("--dry-run", maintenance.dry_run, "Show what would happen; exit 1");
    maintenance_verb("off", "End: the instances have their configured priorities again")
        ->add_flag("--dry-run", maintenance.dry_run, "Show what would happen; exit 1");
    maintenance_verb("show", "Show since when, until when, by whom and why");

    CredentialOptions credential;
    auto* api = app.add_subcommand("api", "Prepare the use of the API over TCP");
    api->require_subcommand(1);
    auto* new_credential = api->add_subcommand(
        "credential", "Make a credential: print its line for the file of [api] credentials, and its token on stderr");
    new_credential->add_option("NAME", credential.name, "Name of who will use it")->required();
    new_credential->add_option("--role", credential.role, "What it is for: read or operate")
        ->check(CLI::IsMember({"read", "operate"}));
    new_credential->add_option("--days", credential.days, "Let it end after this many days")
        ->check(CLI::Range(1U, 36'500U));
    new_credential->add_flag("--password", credential.password, "Read a password from stdin instead of making a token");

    auto* record = app.add_subcommand("record", "Save the flight record of the VRRP and load balancing processes");
    record->require_subcommand(1);
    auto* save = record->add_subcommand("save", "Save what entered the decisions of the last minutes or hours");
    save->add_option("FILE", file, "Write this file")->required();
    ReplayOptions replaying;
    auto* replay = app.add_subcommand(
        "replay", "Replay a flight record and show why things happened; exit 0 identical, 1 different, 2 unreadable");
    replay->add_option("FILE", replaying.file, "Read this flight record")->required();
    replay->add_option("--at", replaying.at, "Show the half minute before TIME and the states then: [DATE ]HH:MM[:SS]")
        ->type_name("TIME");
    replay->add_option("--instance", replaying.instance, "Show what concerns this instance only");
    replay->add_option("--service", replaying.service, "Show what concerns this virtual server and its servers only");
    replay->add_option("--server", replaying.server, "Show what concerns this real server only");

    AnnouncedOptions announcing;
    auto* announced = app.add_subcommand(
        "announced", "Show the addresses that this host announces, from the kernel, for routing daemons");
    announced->add_flag("--follow", announcing.follow, "Go on with what changes, and a heartbeat each second");
    announced->add_flag("--exabgp", announcing.exabgp, "Print commands of ExaBGP");
    announced->add_option("--interface", announcing.interface, "Look at this interface")->capture_default_str();
    announced->add_option("--drain-interface", announcing.drain_interface, "Look at this drain interface")
        ->capture_default_str();

    std::vector<std::string> directors;
    auto* fleet = app.add_subcommand(
        "fleet",
        "Compare what several directors report of themselves; exit 0 equal, 1 different, 2 one did not answer");
    fleet->add_option("DIRECTOR", directors, "Ask these: [USER@]HOST over ssh, or the path of a control socket")
        ->required();
    fleet->add_flag("--json", as_json, "Print the differences as JSON");

    bool stats = false;
    auto* ipvs = app.add_subcommand("ipvs", "Show the kernel's IPVS table, as ipvsadm -Ln does");
    auto* ipvs_stats = ipvs->add_flag("--stats", stats, "Show connections, packets and bytes");
    bool mtu = false;
    ipvs->add_flag("--mtu", mtu, "Show how large packets may be, to each server")->excludes(ipvs_stats);

    auto* daemons = app.add_subcommand("daemons", "List the daemons that run on this host");
    daemons->add_flag("--json", as_json, "Print them as JSON");

    auto* doctor = app.add_subcommand("doctor", "Check this host and suggest fixes; exit 1 if a problem is found");
    doctor->add_option("-f,--file", file,
                       "Read this configuration (default: the running daemon's, or the one that a daemon would read)");
    doctor->add_flag("--json", as_json, "Print the findings as JSON");

    MigrateOptions migrating;
    auto* migrate = app.add_subcommand(
        "migrate", "Show what changes when mainstay replaces keepalived, or convert another program's configuration");
    auto* from = migrate->add_option("--from", migrating.from, "Convert FILE of this program to keepalived.conf")
                     ->check(CLI::IsMember({"ldirectord", "ipvsadm"}));
    auto* source = migrate->add_option("FILE", migrating.file, "Read this file of the other program; -: standard input")
                       ->needs(from);
    from->needs(source);
    migrate->add_option("--root", migrating.root, "Read the set-up of keepalived below this folder")
        ->capture_default_str()
        ->excludes(from);
    migrate->add_flag("--json", migrating.as_json, "Print the report as JSON")->excludes(from);

    if (const auto exit_code = run_remotely({argv + 1, argv + argc})) return *exit_code;
    if (const auto problem = unknown_command(app, {argv + 1, argv + argc}); !problem.empty()) {
        print_error(problem);
        return kUsage;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return problem.get_exit_code() == 0 ? app.exit(problem) : wrong_usage(app, problem);
    }
    if (*daemons) return ctl_daemons(as_json);
    if (*check) return ctl_config_check(files, {.as_json = as_json, .strict = strict, .config_id = config_id});
    if (*explain) return ctl_config_explain(keywords);
    if (*reference)
        return ctl_config_reference(as_list        ? ReferenceForm::List
                                    : as_toml_page ? ReferenceForm::TomlMan
                                    : as_man_page  ? ReferenceForm::Man
                                                   : ReferenceForm::Markdown,
                                    head);
    if (*schema) return ctl_config_schema();
    if (*pair) return ctl_config_pair(first, second);
    if (*print) return ctl_config_print(file);
    if (*convert) return ctl_config_convert(file);
    if (*diff) return ctl_config_diff(first, second, as_json);
    if (*reload && !file.empty()) return ctl_reload_dry_run_to(file, as_json);
    if (*api) return ctl_api_credential(credential);
    if (*replay) return ctl_replay(replaying);
    if (*ipvs) return mtu ? ctl_ipvs_mtu() : ctl_ipvs(stats);
    if (*announced) return ctl_announced(announcing);
    if (*fleet) return ctl_fleet(directors, as_json);
    if (*migrate) return ctl_migrate(migrating);
    if (*metric && metrics.reference) return ctl_metrics({}, metrics);

    const auto found = control_socket_of(choice, mainstay::role::kRunDirectory);
    if (!found) {
        const int exit_code = complain(found.error());
        return app.got_subcommand("status") && app.get_subcommand("status")->count("--check") > 0 ? kUnknown
                                                                                                  : exit_code;
    }
    const std::string& socket = *found;
    if (const auto exit_code = observe.run(socket)) return *exit_code;
    if (const auto exit_code = change.run(socket)) return *exit_code;
    if (*metric) return ctl_metrics(socket, metrics);
    if (*reload) return dry_run ? ctl_reload_dry_run(socket, as_json) : ctl_reload(socket, force, as_json);
    if (*upgrade) return ctl_upgrade(socket, file);
    if (*takeover) return ctl_takeover(socket, taking_over);
    if (*failover) return ctl_failover(socket, first, back, dry_run);
    if (*step_back) return ctl_maintenance(socket, maintenance);
    if (*save) return ctl_record_save(socket, file);
    return ctl_doctor(file, socket, as_json);
}

}  // namespace

int main(int argc, char** argv) { return finish_output("mainstayctl", run(argc, argv), kOutputLost); }
