// mainstayctl shows the daemon's state, controls it, checks configurations, and finds problems of the host.
#include <CLI/CLI.hpp>

#include <string_view>

#include "ctl.hpp"
#include "output.hpp"

namespace {

constexpr const char* kServersFooter =
    "SERVERS is an address or address:port, as in `10.0.0.11`, `10.0.0.*:80`, `[2001:db8::1]:80`. SERVICES is the\n"
    "same, or a mark (`fwmark 5`) or a group name: `drain web/10.0.0.11`, `weight 10.0.0.1:80/* 5`.\n"
    "HAProxy's `set server ... state drain|maint|ready` is `drain`, `disable`, `enable` here.";

using namespace mainstay::cli;

constexpr int kOutputLost = 2;  // an error in every subcommand's list of exit codes

int run(int argc, char** argv) {
    CLI::App app{"Show and check a mainstay director."};
    app.set_version_flag("--version", "mainstayctl " MAINSTAY_VERSION);
    app.require_subcommand(1);
    std::string socket = kControlSocket;
    app.add_option("--socket", socket, "Connect to this control socket of the daemon")->capture_default_str();

    bool as_json = false;
    auto* status = app.add_subcommand("status", "Show instances, services, servers and their last checks");
    status->add_flag("--json", as_json, "Print the daemon's answer as JSON");

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

    ServerOptions servers;
    auto* server = app.add_subcommand("server", "Drain or disable real servers or set their weights, until reset");
    server->require_subcommand(1);
    server->footer(kServersFooter);
    const auto server_verb = [&](const char* name, const char* help) {
        auto* verb = server->add_subcommand(name, help);
        auto* which =
            verb->add_option("SERVERS", servers.which, "Select [SERVICES/]SERVERS by name; wildcards are * and ?");
        if (std::string_view{name} != "show") {
            which->required();
            verb->add_flag("--dry-run", servers.dry_run,
                           "Show the changes, make none; exit 0 nothing would change, 1 something, 2 refused");
        }
        verb->callback([&servers, name] { servers.verb = name; });
        return verb;
    };
    server_verb("show", "Show server states and overrides");
    server_verb("drain", "Set weight 0: connections continue, no new ones are scheduled")
        ->add_flag("--expire-persistence", servers.expire_persistence,
                   "Also release clients that persistence_timeout binds to servers with weight 0, of any service");
    server_verb("disable", "Remove servers from the IPVS table and stop their health checks");
    server_verb("enable", "Remove overrides");
    server_verb("weight", "Set a server's weight until it is reset with enable")
        ->add_option("WEIGHT", servers.weight, "Set this weight, 0..2147483647")
        ->required()
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{2'147'483'647}));

    bool stats = false;
    auto* ipvs = app.add_subcommand("ipvs", "Show the kernel's IPVS table, as ipvsadm -Ln does");
    ipvs->add_flag("--stats", stats, "Show connections, packets and bytes");

    auto* doctor = app.add_subcommand("doctor", "Check this host and suggest fixes; exit 1 if a problem is found");
    doctor->add_option("-f,--file", file, "Read this configuration (default: the one that the daemon would read)");
    doctor->add_flag("--json", as_json, "Print the findings as JSON");

    CLI11_PARSE(app, argc, argv);
    if (*status) return ctl_status(socket, as_json);
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
    if (*reload && !dry_run) return ctl_reload(socket, force, as_json);
    if (*reload) return file.empty() ? ctl_reload_dry_run(socket, as_json) : ctl_reload_dry_run_to(file, as_json);
    if (*upgrade) return ctl_upgrade(socket, file);
    if (*server) {
        if (servers.which.empty()) servers.which = "*";
        return ctl_servers(socket, servers);
    }
    if (*ipvs) return ctl_ipvs(stats);
    return ctl_doctor(file, socket, as_json);
}

}  // namespace

int main(int argc, char** argv) { return finish_output("mainstayctl", run(argc, argv), kOutputLost); }
