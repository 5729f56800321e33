// mainstayctl: shows what the daemon does, checks configurations, looks for what is wrong with the host.
#include <CLI/CLI.hpp>

#include <string_view>

#include "ctl.hpp"

namespace {

constexpr const char* kServersFooter =
    "SERVERS are meant by address or address:port, as in `10.0.0.11`, `10.0.0.*:80`, `[2001:db8::1]:80`; SERVICES\n"
    "likewise, or by mark (`fwmark 5`) or group name: `drain web/10.0.0.11`, `weight 10.0.0.1:80/* 5`.\n"
    "HAProxy's `set server ... state drain|maint|ready` is `drain`, `disable`, `enable` here.";

}  // namespace

int main(int argc, char** argv) {
    using namespace mainstay::cli;
    CLI::App app{"Shows and checks a mainstay director."};
    app.set_version_flag("--version", "mainstayctl " MAINSTAY_VERSION);
    app.require_subcommand(1);
    std::string socket = kControlSocket;
    app.add_option("--socket", socket, "the daemon's control socket")->capture_default_str();

    bool as_json = false;
    auto* status = app.add_subcommand("status", "instances, services, servers and their last checks");
    status->add_flag("--json", as_json, "the daemon's answer as it is");

    auto* config = app.add_subcommand("config", "configuration files");
    config->require_subcommand(1);
    std::vector<std::string> files;
    auto* check = config->add_subcommand("check", "show every diagnostic; exit 0 clean, 1 warnings, 2 errors");
    check->add_option("FILE", files, "keepalived.conf")->required();
    bool strict = false;
    check->add_flag("--json", as_json, "one array of diagnostics");
    check->add_flag("--strict", strict, "take warnings for errors");
    std::string config_id;
    check->add_option("-i,--config-id", config_id, "what @id lines are compared with (default: the host's name)");
    std::vector<std::string> keywords;
    auto* explain = config->add_subcommand("explain", "what a keyword means, takes and does");
    explain->add_option("KEYWORD", keywords, "a keyword, or with its block: TCP_CHECK/retry; none: list all");
    bool as_man_page = false;
    std::string head;
    auto* reference = config->add_subcommand("reference", "everything about all keywords");
    bool as_markdown = false;
    auto* markdown = reference->add_flag("--markdown", as_markdown, "as tables (default)");
    auto* man = reference->add_flag("--man", as_man_page, "as the keyword part of mainstay.conf(5)");
    man->excludes(markdown);
    bool as_toml_page = false;
    reference->add_flag("--toml-man", as_toml_page, "as the keyword part of mainstay.toml(5)")
        ->excludes(markdown)
        ->excludes(man);
    bool as_list = false;
    reference->add_flag("--list", as_list, "a line for each, for programs")->excludes(markdown)->excludes(man);
    reference->add_option("--head", head, "a file that is printed first");

    std::string first, second;
    auto* pair = config->add_subcommand("pair", "two directors' files against each other; exit codes as check's");
    pair->add_option("A", first, "one director's keepalived.conf")->required();
    pair->add_option("B", second, "the other's")->required();
    std::string file;
    auto* print = config->add_subcommand("print", "a file in canonical form; comments and includes are kept");
    print->add_option("FILE", file, "keepalived.conf")->required();
    auto* convert = config->add_subcommand("convert", "keepalived.conf as TOML, a .toml file as keepalived.conf");
    convert->add_option("FILE", file, "keepalived.conf, or a name that ends in .toml")->required();
    auto* schema = config->add_subcommand("schema", "the JSON Schema that editors use for the TOML form");
    bool as_schema = true;
    schema->add_flag("--json", as_schema, "as JSON (the only form there is)");
    auto* diff =
        config->add_subcommand("diff", "what a reload from A to B would do; exit 0 nothing, 1 something, 2 error");
    diff->add_option("A", first, "the running configuration")->required();
    diff->add_option("B", second, "the new one")->required();
    diff->add_flag("--json", as_json, "changes as JSON");

    auto* reload = app.add_subcommand("reload", "the daemon reads its configuration again; exit 0 done, 2 refused");
    bool dry_run = false, force = false;
    auto* dry = reload->add_flag("--dry-run", dry_run, "only tell; exit 0 nothing changes, 1 something, 2 refused");
    reload->add_flag("--force", force, "also what broken blocks of the file take away from what runs")->excludes(dry);
    reload->add_option("FILE", file, "not the daemon's own file as it is on disk now, but this one, without asking it")
        ->needs(dry);
    reload->add_flag("--json", as_json, "changes as JSON");

    auto* upgrade = app.add_subcommand(
        "upgrade", "the daemon becomes the program on disk; addresses and services stay; exit 2 refused");
    upgrade->add_option("PROGRAM", file, "another mainstayd (default: the daemon's own path)");

    ServerOptions servers;
    auto* server =
        app.add_subcommand("server", "drain, disable or weigh servers of the running daemon, until withdrawn");
    server->require_subcommand(1);
    server->footer(kServersFooter);
    const auto server_verb = [&](const char* name, const char* help) {
        auto* verb = server->add_subcommand(name, help);
        auto* which = verb->add_option("SERVERS", servers.which, "[SERVICES/]SERVERS: names, * and ? for any");
        if (std::string_view{name} != "show") {
            which->required();
            verb->add_flag("--dry-run", servers.dry_run,
                           "only tell; exit 0 nothing would change, 1 something, 2 refused");
        }
        verb->callback([&servers, name] { servers.verb = name; });
        return verb;
    };
    server_verb("show", "how servers are, and what is held of them");
    server_verb("drain", "weight 0: connections go on, none are added")
        ->add_flag("--expire-persistence", servers.expire_persistence,
                   "clients whom persistence_timeout binds to a server with weight 0, of any service, go elsewhere");
    server_verb("disable", "out of the table, and not checked");
    server_verb("enable", "as configuration and checks say again");
    server_verb("weight", "another weight, whatever configuration and checks say")
        ->add_option("WEIGHT", servers.weight, "0..2147483647")
        ->required()
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{2'147'483'647}));

    bool stats = false;
    auto* ipvs = app.add_subcommand("ipvs", "the kernel's table, as ipvsadm -Ln shows it");
    ipvs->add_flag("--stats", stats, "connections, packets and bytes");

    auto* doctor = app.add_subcommand("doctor", "what on this host is in the way, and its fix; exit 1 if anything is");
    doctor->add_option("-f,--file", file, "configuration (default: the one that the daemon would read)");
    doctor->add_flag("--json", as_json, "findings as JSON");

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
