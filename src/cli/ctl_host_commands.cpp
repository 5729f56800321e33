// The commands of mainstayctl that look at this host or several, at records and at other programs' set-ups.
#include <memory>

#include "ctl.hpp"
#include "ctl_commands.hpp"
#include "ctl_daemons.hpp"

namespace mainstay::cli {
namespace {

void add_api(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<CredentialOptions>();
    auto* api = app.add_subcommand("api", "Prepare the use of the API over TCP");
    api->require_subcommand(1);
    auto* credential = api->add_subcommand(
        "credential", "Make a credential: print its line for the file of [api] credentials, and its token on stderr");
    credential->add_option("NAME", options->name, "Name of who will use it")->required();
    credential->add_option("--role", options->role, "What it is for: read or operate")
        ->check(CLI::IsMember({"read", "operate"}));
    credential->add_option("--days", options->days, "Let it end after this many days")->check(CLI::Range(1U, 36'500U));
    credential->add_flag("--password", options->password, "Read a password from stdin instead of making a token");
    runs_alone(*credential, chosen, options, ctl_api_credential);
}

void add_record(CLI::App& app, Chosen& chosen) {
    const auto file = std::make_shared<std::string>();
    auto* record = app.add_subcommand("record", "Save the flight record of the VRRP and load balancing processes");
    record->require_subcommand(1);
    auto* save = record->add_subcommand("save", "Save what entered the decisions of the last minutes or hours");
    save->add_option("FILE", *file, "Write this file")->required();
    asks_daemon(*save, chosen, file, ctl_record_save);
}

void add_replay(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<ReplayOptions>();
    auto* replay = app.add_subcommand(
        "replay", "Replay a flight record and show why things happened; exit 0 identical, 1 different, 2 unreadable");
    replay->add_option("FILE", options->file, "Read this flight record")->required();
    replay->add_option("--at", options->at, "Show the half minute before TIME and the states then: [DATE ]HH:MM[:SS]")
        ->type_name("TIME");
    replay->add_option("--instance", options->instance, "Show what concerns this instance only");
    replay->add_option("--service", options->service, "Show what concerns this virtual server and its servers only");
    replay->add_option("--server", options->server, "Show what concerns this real server only");
    runs_alone(*replay, chosen, options, ctl_replay);
}

void add_announced(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<AnnouncedOptions>();
    auto* announced = app.add_subcommand(
        "announced", "Show the addresses that this host announces, from the kernel, for routing daemons");
    announced->add_flag("--follow", options->follow, "Go on with what changes, and a heartbeat each second");
    announced->add_flag("--exabgp", options->exabgp, "Print commands of ExaBGP");
    announced->add_option("--interface", options->interface, "Look at this interface")->capture_default_str();
    announced->add_option("--drain-interface", options->drain_interface, "Look at this drain interface")
        ->capture_default_str();
    runs_alone(*announced, chosen, options, ctl_announced);
}

void add_fleet(CLI::App& app, Chosen& chosen) {
    struct Options {
        std::vector<std::string> directors;
        bool as_json = false;
    };
    const auto options = std::make_shared<Options>();
    auto* fleet = app.add_subcommand(
        "fleet",
        "Compare what several directors report of themselves; exit 0 equal, 1 different, 2 one did not answer");
    fleet
        ->add_option("DIRECTOR", options->directors, "Ask these: [USER@]HOST over ssh, or the path of a control socket")
        ->required();
    fleet->add_flag("--json", options->as_json, "Print the differences as JSON");
    runs_alone(*fleet, chosen, options, [](const Options& given) { return ctl_fleet(given.directors, given.as_json); });
}

void add_ipvs(CLI::App& app, Chosen& chosen) {
    struct Options {
        bool stats = false, mtu = false;
    };
    const auto options = std::make_shared<Options>();
    auto* ipvs = app.add_subcommand("ipvs", "Show the kernel's IPVS table, as ipvsadm -Ln does");
    auto* stats = ipvs->add_flag("--stats", options->stats, "Show connections, packets and bytes");
    ipvs->add_flag("--mtu", options->mtu, "Show how large packets may be, to each server")->excludes(stats);
    runs_alone(*ipvs, chosen, options,
               [](const Options& given) { return given.mtu ? ctl_ipvs_mtu() : ctl_ipvs(given.stats); });
}

void add_daemons(CLI::App& app, Chosen& chosen) {
    const auto as_json = std::make_shared<bool>(false);
    auto* daemons = app.add_subcommand("daemons", "List the daemons that run on this host");
    daemons->add_flag("--json", *as_json, "Print them as JSON");
    runs_alone(*daemons, chosen, as_json, ctl_daemons);
}

void add_doctor(CLI::App& app, Chosen& chosen) {
    struct Options {
        std::string file;
        bool as_json = false;
    };
    const auto options = std::make_shared<Options>();
    auto* doctor = app.add_subcommand("doctor", "Check this host and suggest fixes; exit 1 if a problem is found");
    doctor->add_option("-f,--file", options->file,
                       "Read this configuration (default: the running daemon's, or the one that a daemon would read)");
    doctor->add_flag("--json", options->as_json, "Print the findings as JSON");
    asks_daemon(*doctor, chosen, options, [](const std::string& socket, const Options& given) {
        return ctl_doctor(given.file, socket, given.as_json);
    });
}

void add_migrate(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<MigrateOptions>();
    auto* migrate = app.add_subcommand(
        "migrate", "Show what changes when mainstay replaces keepalived, or convert another program's configuration");
    auto* from = migrate->add_option("--from", options->from, "Convert FILE of this program to keepalived.conf")
                     ->check(CLI::IsMember({"ldirectord", "ipvsadm"}));
    auto* source = migrate->add_option("FILE", options->file, "Read this file of the other program; -: standard input")
                       ->needs(from);
    from->needs(source);
    migrate->add_option("--root", options->root, "Read the set-up of keepalived below this folder")
        ->capture_default_str()
        ->excludes(from);
    migrate->add_flag("--json", options->as_json, "Print the report as JSON")->excludes(from);
    runs_alone(*migrate, chosen, options, ctl_migrate);
}

}  // namespace

void add_host_commands(CLI::App& app, Chosen& chosen) {
    add_api(app, chosen);
    add_record(app, chosen);
    add_replay(app, chosen);
    add_announced(app, chosen);
    add_fleet(app, chosen);
    add_ipvs(app, chosen);
    add_daemons(app, chosen);
    add_doctor(app, chosen);
    add_migrate(app, chosen);
}

}  // namespace mainstay::cli
