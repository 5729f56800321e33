// The command line of mainstayctl: the commands, what each takes, and what it does.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mainstay::cli {

// What the command that was given does; returns the exit code. One of the two is set.
struct Chosen {
    std::function<int()> alone;                                 // needs no daemon
    std::function<int(const std::string& socket)> with_daemon;  // with its control socket
};

// Lets the command do this with its options, which live as long as the command.
template <class Options, class Action>
void runs_alone(CLI::App& command, Chosen& chosen, const std::shared_ptr<Options>& options, Action action) {
    command.callback([options, action, &chosen] { chosen.alone = [options, action] { return action(*options); }; });
}
template <class Options, class Action>
void asks_daemon(CLI::App& command, Chosen& chosen, const std::shared_ptr<Options>& options, Action action) {
    command.callback([options, action, &chosen] {
        chosen.with_daemon = [options, action](const std::string& socket) { return action(socket, *options); };
    });
}

// Each adds commands, which set `chosen` when they are given. `chosen` must outlive the reading of the command line.
void add_observe_commands(CLI::App& app, Chosen& chosen);  // status vrrp lvs events why top metrics
void add_config_commands(CLI::App& app, Chosen& chosen);   // config ...
void add_change_commands(CLI::App& app, Chosen& chosen);   // reload upgrade takeover
void add_operate_commands(CLI::App& app, Chosen& chosen);  // server mail webhook loglevel failover maintenance
void add_host_commands(CLI::App& app, Chosen& chosen);  // api record replay announced fleet ipvs daemons doctor migrate

}  // namespace mainstay::cli
