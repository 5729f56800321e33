// The class behind run_supervisor(): it starts, monitors and stops the roles, and connects its parts, each of which has
// its own state (reader_process, reload_transaction, reload_requests, spare_pool, role_replacement, script_runner
// ...). The sections below name the source file of each function.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "authorization.hpp"
#include "child.hpp"
#include "control_socket.hpp"
#include "dumps.hpp"
#include "helper.hpp"
#include "host_watch.hpp"
#include "kept_files.hpp"
#include "limits.hpp"
#include "log_levels.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/role/supervisor/supervisor.hpp"
#include "notify_fifos.hpp"
#include "observer.hpp"
#include "operators.hpp"
#include "pid_file.hpp"
#include "reader_process.hpp"
#include "reload.hpp"
#include "role/common/daemon_settings.hpp"
#include "role_replacement.hpp"
#include "script_runner.hpp"
#include "spares.hpp"
#include "stopping.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kSnmpPause{5};  // before the next attempt to connect to an AgentX master
inline constexpr std::chrono::seconds kWatchersWait{
    2};  // at most: the watching processes start after the roles' first configuration
inline constexpr std::chrono::seconds kFirstLook{1};  // at most: for the first observation of tracked files
inline constexpr int kExitFatal = 1, kExitConfig = 2, kExitAlreadyRunning = 3, kExitPermission = 4, kExitNoConfig = 6;

// The name of its process in the log.
[[nodiscard]] inline const char* label(Kind kind) { return traits_of(kind).label; }

[[nodiscard]] int exit_code_of(const Error& refusal, const Identity& identity);  // of a start that failed

class Supervisor {
public:
    Supervisor(const SupervisorOptions& options, Log& log);
    [[nodiscard]] Result<void> start();
    int run();  // after start()

private:
    // -- supervisor.cpp
    void begin();
    [[nodiscard]] Result<void> set_up();
    [[nodiscard]] Result<void> claim_pid_file(const std::string& name);
    [[nodiscard]] std::string pid_file_of(Kind kind) const;
    [[nodiscard]] Result<void> find_accounts();
    [[nodiscard]] std::string account_of(const char* own) const;  // `own`, or the shared account (--shared-account)
    [[nodiscard]] Result<void> find_executables();
    [[nodiscard]] Result<void> make_shared_memory();
    [[nodiscard]] static Result<void> open_for_readers(Child& child);
    void run_loop();
    void log_exception(std::uint64_t number, const char* what);
    void load_kernel_modules();
    void reap_all();
    void child_ended(Child& child, const kernel::Ended& how);
    [[nodiscard]] std::vector<std::string> command_line(std::string program) const;  // of each process but scripts
    [[nodiscard]] kernel::RoleProcess process_of(const Child& child) const;
    void make_record(Child& child);        // if it has a flight recorder and no memory for it yet
    void send_record(const Child& child);  // the observer, if it is ready and there is such a memory
    [[nodiscard]] Result<UniqueFd> record_to_read(const ipc::RecordQuestion& question);
    void start_child(Child& child);  // it resumes the state of an earlier incarnation that was ready, if any
    void connect_peers(const Child& started);
    void optional_ended(Child& child, const kernel::Ended& how);
    void start_child_in(Child& child, std::chrono::seconds delay);
    [[nodiscard]] ipc::RoleStartup startup_for(Kind kind, bool restarted) const;
    [[nodiscard]] std::vector<std::pair<int, int>> descriptors_for(const Child& child) const;
    void check_children();  // once a second: heartbeats
    void look_at_heartbeats(Child& child);
    void restart_forgotten(Child& child);
    void look_again();
    void write_child_pid(const Child& child);
    void remove_child_pid(Kind kind, int pid);
    [[nodiscard]] Child& child_of(Kind kind) { return *children_[slot(kind)]; }

    // -- stopping.cpp
    void stop(int exit_code);
    void report_start(int exit_code, const std::string& why);  // the first time alone; `why` is empty when it runs
    void stop_role(Child& child);
    void stop_step();
    [[nodiscard]] bool roles_have_stopped(const StopBounds& bounds, Nanos since);
    [[nodiscard]] bool rest_has_stopped(const StopBounds& bounds, Nanos since);
    void finish();
    void begin_address_release();  // unless it is under way
    void end_address_release();
    [[nodiscard]] bool address_release_ended(const kernel::Ended& how);  // true when it was this process

    // -- signals.cpp
    void take_signals();
    void on_signal(int signal);
    void signal_handed_on(const char* process, int pid, int signal);

    // -- observer.cpp
    void observer_rests(Child& observer, UniqueFd socket);
    void observer_rested();  // its process has ended
    bool wake_observer();    // false: it does not rest, and is not about to

    // -- messages.cpp
    void on_message(Child& child, Result<ipc::Received> got);
    // False: the message is ignored, or the sender has been killed for it.
    [[nodiscard]] bool is_allowed(Child& child, Sender sender, const Result<ipc::Received>& received);
    [[nodiscard]] bool is_timely(Child& child, Sender sender, const ipc::Message& message);
    void kill_offender(Child& child, const std::string& offence);  // "sent a message Snapshot, which it may not send"
    void handle(Child& child, ipc::Received& received);
    void on_control_request(const ipc::ControlRequest& wanted);
    void run_script(Child& child, const ipc::RunScript& wanted);
    void write_fifos(Child& child, const std::string& line);

    // -- operators.cpp
    void open_own_socket();
    void on_operator_question(ipc::OperatorQuestion question, UniqueFd client);
    void relay_for_api(Child& observer, ipc::OperatorQuestion question);
    void carry_out(const ipc::ServerQuestion& question);
    void carry_out(const ipc::InstanceQuestion& question);
    void begin_maintenance(const ipc::InstanceQuestion& question);
    void end_maintenance(const std::string& by, std::uint64_t request);
    void look_at_maintenance();  // once a second: it may be over
    void load_maintenance(const ipc::MaintenanceOrder& handed_over);
    void order_maintenance(Child& child);  // of a starting vrrp or lvs process
    void send_maintenance(ipc::MaintenanceOrder order);
    void operator_answered(Child& child, const ipc::OperatorAnswered& answer, const UniqueFd& text);

    // -- log_levels.cpp
    void carry_out(const ipc::LogLevelQuestion& question);
    void spread_log_levels();  // to every process

    // -- paths.cpp
    [[nodiscard]] Result<void> resolve_paths(const ipc::DaemonSettings& settings, const std::string& pid_name);
    [[nodiscard]] std::string supervisor_socket() const;
    [[nodiscard]] std::optional<int> other_daemon() const;  // the process of one that has this daemon's folder
    [[nodiscard]] Result<bool> make_place(const ipc::DaemonSettings& settings);
    void remove_empty_folders();
    void make_spool_folder(bool first);
    [[nodiscard]] Result<void> open_namespaces(const ipc::DaemonSettings& settings);
    void apply_settings(const ipc::DaemonSettings& settings);
    [[nodiscard]] int network_namespace_of(Kind kind) const;

    // -- schedule.cpp
    void look_at_schedule();
    void mark_reading(bool reading);
    bool remove_file(const std::string& path);
    void remove_config_copy();

    // -- limits.cpp
    [[nodiscard]] std::uint64_t configuration_bytes(Kind kind) const;
    void raise_limits(const Child& child);  // of a running process, before it prepares another configuration

    // -- supervision.cpp
    void report_supervision();
    void on_heartbeat(const Child& child, const ipc::Heartbeat& beat);
    void report_log_losses();
    void upgrade_refused(const std::string& problem);
    void count_reload(const std::string& problem);  // empty: it was done
    void log_changes(const ipc::DryRunDone& changes);
    void relay_read_traffic();

    // -- api_files.cpp
    void send_api();                           // the settings and files, to an observer that is ready
    void look_at_api_files();                  // sends it again when a file has changed
    std::vector<std::string> api_files_seen_;  // device, inode, size and time of each, when they were sent
    unsigned until_api_look_ = 0;
    // -- dumps.cpp
    void make_dump_requests();
    void ask_for_dump(int signal);
    void state_refreshed(Child& child, int signal);
    [[nodiscard]] Result<int> start_dump(int signal);
    [[nodiscard]] Result<int> start_check_dump();
    [[nodiscard]] DumpFiles files_of_dump(int signal) const;
    [[nodiscard]] Result<int> start_hand_out(const DumpFiles& files, std::pair<UniqueFd, UniqueFd>& line);
    int dump_writer_ = 0;  // the observer that was asked last

    // -- spares.cpp
    void make_spares();
    [[nodiscard]] bool keeps_spare(Kind kind) const;
    void fill_spares();
    [[nodiscard]] Result<void> start_spare(Child& spare);
    bool promote_spare(Child& child);  // false: no spare is ready

    // -- upgrade.cpp
    [[nodiscard]] Result<int> start_upgrade_trial(const ipc::Upgrade& question, int control, int control_of_child);
    [[nodiscard]] std::string upgrade_program(const ipc::Upgrade& question) const;
    void upgrade(const std::string& program, const std::string& version, UniqueFd client);
    [[nodiscard]] Error execute(const std::string& program, const std::string& version, int client);
    [[nodiscard]] ipc::HandOver hand_over(int client, std::vector<int>& keep);
    [[nodiscard]] Result<void> adopt(int descriptor);
    void adopt_memory(Child& child, UniqueFd block, UniqueFd ring);
    [[nodiscard]] std::unique_ptr<RoleReplacement> make_replacement(std::string before, UniqueFd client);
    void upgraded();

    // -- host_watch.cpp: the daemon's own scripts, FIFOs, the watcher
    void set_up_host();
    void follow_host_plan(UniqueFd before);
    void send_observations(Child& child);
    void load_discovery();
    void send_discovery(Child& child);
    void keep_discovery(Child& child, UniqueFd sealed);
    [[nodiscard]] bool run_own_script(const char* key);  // false: none is configured
    void own_script_ended(const ipc::ScriptResults& results);

    // -- reader_process.cpp
    [[nodiscard]] Result<int> start_reader(std::vector<std::pair<int, int>> descriptors) const;
    [[nodiscard]] ipc::RoleStartup orders_for_reader() const;
    void read_again_in(const std::string& name);  // in this network namespace
    [[nodiscard]] int open_check_log(const ipc::RoleStartup& orders);
    void close_check_log();
    void keep_configuration();

    // -- reload.cpp
    void request_reload();
    void request_reload(const ipc::Reload& wanted, UniqueFd client);
    void make_reload_parts();
    [[nodiscard]] std::vector<ReaderProcess::Running> running_parts() const;
    void or_refuse_configuration(const std::function<void()>& step);
    void begin_reading();
    void start_reading();
    [[nodiscard]] Result<int> start_dry_run(const ipc::DryRun& question, int control, int control_of_child);
    void take_snapshot(const ipc::Snapshot& snapshot, UniqueFd sealed);
    void reading_over(ReaderProcess::Reading reading);
    void take_reading(ReaderProcess::Reading reading);
    // `reason`: what the log has said of it before; empty: nothing.
    void reading_failed(int exit_code, const std::string& why, const std::string& reason = {});
    void begin_preparing();
    [[nodiscard]] bool is_any_starting() const;
    void prepare_later();
    void child_prepared(Child& child, const ipc::Prepared& answer);
    void commit(Child& child);
    void commit_now(Child& child);
    void commit_waiting();
    void child_committed(Child& child);
    void commit_all();
    void reload_aborted(const std::string& why);
    void reload_over();
    void begin_running();
    void start_needed(Kind kind);
    void start_needed_roles();
    void start_watchers_later();
    void start_waiting_watchers();
    void start_watchers();
    void check_startup_complete();

    const SupervisorOptions& options_;
    Log& log_;
    boost::asio::io_context loop_{1};
    boost::asio::signal_set signals_{loop_};
    boost::asio::steady_timer look_{loop_}, watchdog_{loop_}, prepare_wait_{loop_}, stop_tick_{loop_},
        watchers_wait_{loop_}, spool_wait_{loop_}, first_look_{loop_};
    Instant stop_began_{};
    Nanos notify_scripts_until_{};  // since the stop began
    std::string executable_;
    const bool may_raise_limits_ = kernel::may_raise_limits();
    kernel::Account account_;  // of the observer: it owns the run and the spool folder
    Paths paths_;
    UniqueFd network_namespace_, ipvs_namespace_;
    PidFile pid_file_;
    Instant other_daemon_until_{};
    UniqueFd kick_;
    ReloadTransaction::Children children_;
    std::unique_ptr<SparePool> spares_;
    std::optional<Instant> vrrp_silent_since_;  // no process of the vrrp role has been ready since
    Child address_release_{loop_, Kind::Vrrp};
    std::unique_ptr<RoleReplacement> replacement_;  // while an upgrade replaces the roles
    std::string upgraded_from_;                     // the version of the program before that
    std::unique_ptr<ScriptRunner> scripts_;
    std::unique_ptr<ControlSocket> dry_runs_;
    std::unique_ptr<HostWatch> watch_;
    OperatorQueue operators_{loop_};
    MaintenanceFile maintenance_;
    DiscoveryFile discovery_{log_};
    LogLevelState log_levels_{options_.log_level};
    std::unique_ptr<NotifyFifos> fifos_;
    std::unique_ptr<DumpRequests> dumps_;
    ObserverRest rest_{loop_, [this] { wake_observer(); }};

    enum class Phase : std::uint8_t { Starting, Running, Stopping } phase_ = Phase::Starting;
    bool reloading_ = false;  // from the reading of a configuration to its commit or refusal
    ReloadRequests requests_;
    std::unique_ptr<ReaderProcess> reader_;
    std::unique_ptr<ReloadTransaction> reload_;
    Generation current_, next_;
    report::Supervision supervision_;  // `processes` and `log_losses` are filled in when it is sent
    LogLosses log_losses_;
    DiskWork disk_;
    UniqueFd check_log_;            // open while a reader may write to it
    std::string reader_namespace_;  // named by the first configuration; later ones are read in the roles' namespace
    UniqueFd reader_namespace_at_;
    std::string scheduled_text_, reading_mark_;
    std::optional<std::int64_t> scheduled_;  // reload_time_file, Unix seconds
    int exit_code_ = 0;
    // What a stop waits for, in this order.
    enum class StopStage : std::uint8_t { Roles, NotifyScripts, Firewall, Rest };
    StopStage stop_stage_ = StopStage::Roles;
    std::uint64_t own_script_ = 0;  // request number of startup_script or shutdown_script while it runs
    bool startup_reported_ = false, start_reported_ = false;
    bool ever_ran_ = false;  // a configuration was committed, or taken over in an upgrade
};

}  // namespace mainstay::role
