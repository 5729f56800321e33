// The class behind run_supervisor(): the start, the stop, signals, upgrades, scripts and the watcher, and what the
// other parts (Children, Reload, Operators) have to do with each other. The sections name the source file of each
// function.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "children.hpp"
#include "daemon_state.hpp"
#include "host_watch.hpp"
#include "kept_files.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/role/supervisor/supervisor.hpp"
#include "notify_fifos.hpp"
#include "operators.hpp"
#include "pid_file.hpp"
#include "reload.hpp"
#include "script_runner.hpp"
#include "stopping.hpp"

namespace mainstay::role {

[[nodiscard]] int exit_code_of(const Error& refusal, const Identity& identity);  // of a start that failed

class Daemon {
public:
    Daemon(const SupervisorOptions& options, Log& log);
    [[nodiscard]] Result<void> start();
    int run();  // after start()

private:
    // -- daemon.cpp
    [[nodiscard]] Children::Handlers children_handlers();
    [[nodiscard]] Reload::Handlers reload_handlers();
    [[nodiscard]] Operators::Handlers operators_handlers();
    [[nodiscard]] Result<void> begin();
    [[nodiscard]] Result<void> set_up();
    [[nodiscard]] Result<void> find_accounts();
    void run_loop();
    void log_exception(std::uint64_t number, const char* what);
    [[nodiscard]] Result<void> take_signals();
    void listen_to_signals();
    void on_signal(int signal);
    void signal_handed_on(const char* process, int pid, int signal);
    void reap_all();
    void look();  // once a second
    void look_again();
    void report_log_losses();
    void handle(Child& child, ipc::Received& received);
    void run_script(Child& child, const ipc::RunScript& wanted);
    void write_fifos(Child& child, const std::string& line);
    void relay_read_traffic();
    void configuration_committed(UniqueFd host_before);
    void begin_running();
    void child_committed(Child& child, std::uint64_t generation);
    void check_start();                                        // whether it is complete
    void report_start(int exit_code, const std::string& why);  // the first time alone; `why` is empty when it runs

    // -- stopping.cpp
    void stop(int exit_code);
    void stop_step();
    [[nodiscard]] bool rest_has_stopped(const StopBounds& bounds, Nanos since);
    void finish();

    // -- paths.cpp
    [[nodiscard]] Result<void> resolve_paths(const ipc::DaemonSettings& settings, const std::string& pid_name);
    [[nodiscard]] Result<void> claim_pid_file(const std::string& name);
    [[nodiscard]] std::optional<int> other_daemon() const;  // the process of one that has this daemon's folder
    [[nodiscard]] Result<bool> take_place(const ipc::DaemonSettings& settings);
    void remove_empty_folders();
    void make_spool_folder(bool first);
    [[nodiscard]] Result<void> open_namespaces(const ipc::DaemonSettings& settings);
    void apply_settings();

    // -- upgrade.cpp
    [[nodiscard]] Result<int> start_upgrade_trial(const ipc::Upgrade& question, int control, int control_of_child);
    [[nodiscard]] std::string upgrade_program(const ipc::Upgrade& question) const;
    void upgrade(const std::string& program, const std::string& version, UniqueFd client);
    void upgrade_refused(const std::string& problem);
    [[nodiscard]] Error execute(const std::string& program, const std::string& version, int client);
    [[nodiscard]] ipc::HandOver hand_over(int client, std::vector<int>& keep);
    [[nodiscard]] Result<void> adopt(int descriptor);

    // -- host_watch.cpp: the daemon's own scripts, FIFOs, the watcher
    void set_up_host();
    void follow_host_plan(UniqueFd before);
    void send_observations(Child& child);
    void load_discovery();
    void send_discovery(Child& child);
    void keep_discovery(Child& child, UniqueFd sealed);
    [[nodiscard]] bool run_own_script(const char* key);  // false: none is configured
    void own_script_ended(const ipc::ScriptResults& results);

    DaemonState state_;
    const SupervisorOptions& options_;
    Log& log_;
    Children children_{state_, children_handlers()};
    Reload reload_{state_, children_, reload_handlers()};
    Operators operators_{state_, children_, reload_, operators_handlers()};
    // Signals are blocked and wait in this queue: those that come just before an upgrade's exec wait for the new
    // program.
    boost::asio::posix::stream_descriptor signals_{state_.loop};
    boost::asio::steady_timer look_{state_.loop}, watchdog_{state_.loop}, stop_tick_{state_.loop},
        spool_wait_{state_.loop};
    PidFile pid_file_;
    Instant other_daemon_until_{};
    std::unique_ptr<ScriptRunner> scripts_;
    std::unique_ptr<NotifyFifos> fifos_;
    std::unique_ptr<HostWatch> watch_;
    DiscoveryFile discovery_{log_};
    std::uint64_t own_script_ = 0;  // request number of startup_script or shutdown_script while it runs
    bool start_reported_ = false;
    const mode_t inherited_umask_;
    Nanos notify_scripts_until_{};  // since the stop began
    // What a stop waits for, in this order.
    enum class StopStage : std::uint8_t { Roles, NotifyScripts, Firewall, Rest };
    StopStage stop_stage_ = StopStage::Roles;
    int exit_code_ = 0;
};

}  // namespace mainstay::role
