// The commands of mainstayctl that let the daemon run another configuration or program.
#include <memory>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "ctl_commands.hpp"

namespace mainstay::cli {
namespace {

void add_reload(CLI::App& app, Chosen& chosen) {
    struct Options {
        std::string file;
        bool dry_run = false;
        ReloadOptions reload;
    };
    const auto options = std::make_shared<Options>();
    auto* reload = app.add_subcommand("reload", "Reload the daemon's configuration; exit 0 done, 2 refused");
    auto* dry = reload->add_flag("--dry-run", options->dry_run,
                                 "Show the changes, make none; exit 0 nothing changes, 1 something, 2 refused");
    reload
        ->add_flag("--force", options->reload.force,
                   "Remove running services and instances that broken blocks of the file no longer define")
        ->excludes(dry);
    reload
        ->add_flag("--yes", options->reload.yes,
                   "At a terminal: reload even if new errors of the file leave something out that runs")
        ->excludes(dry);
    reload->add_option("FILE", options->file, "Compare FILE offline, without the daemon")->needs(dry);
    reload->add_flag("--json", options->reload.as_json, "Print the changes as JSON");
    reload->callback([options, &chosen] {
        if (!options->file.empty())
            chosen.alone = [options] { return ctl_reload_dry_run_to(options->file, options->reload.as_json); };
        else
            chosen.with_daemon = [options](const std::string& socket) {
                return options->dry_run ? ctl_reload_dry_run(socket, options->reload.as_json)
                                        : ctl_reload(socket, options->reload);
            };
    });
}

void add_upgrade(CLI::App& app, Chosen& chosen) {
    const auto program = std::make_shared<std::string>();
    auto* upgrade = app.add_subcommand(
        "upgrade", "Upgrade the daemon to the program on disk; addresses and services stay; exit 2 refused");
    upgrade->add_option("PROGRAM", *program, "Upgrade to this mainstayd (default: the daemon's own path)");
    asks_daemon(*upgrade, chosen, program, ctl_upgrade);
}

void add_takeover(CLI::App& app, Chosen& chosen) {
    using What = TakeoverOptions::What;
    const auto options = std::make_shared<TakeoverOptions>();
    auto* takeover = app.add_subcommand(
        "takeover",
        "Take over from a running keepalived without a gap; exit 0 done, 2 not possible: keepalived goes on");
    takeover->add_option("--pid-file", options->pid_file, "Find keepalived by this file")->capture_default_str();
    takeover->add_option("--unit", options->unit, "Name of keepalived's systemd unit")->capture_default_str();
    const auto instead = [&](const char* name, What what, const char* help) {
        return takeover->add_flag_callback(name, [options, what] { options->what = what; }, help);
    };
    auto* confirm = instead("--confirm", What::Confirm, "Start mainstay at boot, not keepalived");
    instead("--undo", What::Undo, "Go back to keepalived, likewise")->excludes(confirm);
    asks_daemon(*takeover, chosen, options, ctl_takeover);
}

}  // namespace

void add_change_commands(CLI::App& app, Chosen& chosen) {
    add_reload(app, chosen);
    add_upgrade(app, chosen);
    add_takeover(app, chosen);
}

}  // namespace mainstay::cli
