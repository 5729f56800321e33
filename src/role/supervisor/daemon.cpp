#include "mainstay/role/supervisor/supervisor.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <csignal>
#include <exception>
#include <optional>

#include "daemon.hpp"
#include "mainstay/base/overloaded.hpp"
#include "mainstay/kernel/capabilities.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/landlock.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/kernel/service_manager.hpp"
#include "mainstay/kernel/signals.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "role/common/process.hpp"

#ifndef MAINSTAY_VERSION
#define MAINSTAY_VERSION "unknown"
#endif

#ifndef MAINSTAY_LIBEXECDIR
#define MAINSTAY_LIBEXECDIR "/usr/libexec/mainstay"
#endif

namespace mainstay::role {

namespace inherited = ipc::inherited;

namespace {

constexpr int kPauseAfterExceptionMs = 10;

constexpr std::uint64_t kFewestDescriptors = 128;  // with fewer the reader cannot be started

// The new program cannot take over what the program before handed to it. It lets go of all of it, so that the roles
// resign, and starts as after a death of the supervisor: with no service manager nobody else would start it.
void start_anew(const SupervisorOptions& options, Log& log) {
    log.error("starting without the state of the program before the upgrade");
    const auto program = kernel::own_executable();
    const Error failed =
        program ? kernel::exec_again(*program, options.arguments,
                                     std::string{ipc::kHandOverVariable} + "=" + ipc::kNothingHandedOver, {})
                : program.error();
    log.error("{}", failed.text());
}

int not_started(const Error& why, const SupervisorOptions& options, Log& log) {
    log.error("{}", why.text());
    if (options.hand_over >= 0) start_anew(options, log);
    const int exit_code = exit_code_of(why, options.identity);
    if (options.report_start) options.report_start(exit_code, why.text());
    return exit_code;
}

}  // namespace

namespace {

mode_t own_umask() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return mask;
}

}  // namespace

Daemon::Daemon(const SupervisorOptions& options, Log& log)
    : state_{options, log}, options_{options}, log_{log}, inherited_umask_{own_umask()} {}

Children::Handlers Daemon::children_handlers() {
    return {
        .greet =
            [this](Child& child) {
                operators_.order_maintenance(child);
                send_discovery(child);
            },
        .host_is_known = [this] { return watch_->has_looked(); },
        .observations = [this](Child& child) { send_observations(child); },
        .message = [this](Child& child, ipc::Received& received) { handle(child, received); },
        .signalled = [this](const char* process, int pid, int signal) { signal_handed_on(process, pid, signal); },
        .gone = [this](Kind kind) { operators_.process_ended(kind); },
        .died = [this](Kind kind) { reload_.process_died(kind); },
        .left =
            [this] {
                reload_.process_left();
                operators_.process_left();
            },
        .stop = [this](int exit_code) { stop(exit_code); },
        .upgraded = [this] { reload_.request_postponed(); },
    };
}

Reload::Handlers Daemon::reload_handlers() {
    return {
        .take_place = [this](const ipc::DaemonSettings& settings) { return take_place(settings); },
        .committed = [this](UniqueFd host_before) { configuration_committed(std::move(host_before)); },
        .give_up =
            [this](int exit_code, const std::string& why) {
                if (!why.empty()) report_start(exit_code, why);
                stop(exit_code);
            },
    };
}

Operators::Handlers Daemon::operators_handlers() {
    return {
        .try_upgrade = [this](const ipc::Upgrade& question, int control,
                              int of_child) { return start_upgrade_trial(question, control, of_child); },
        .upgrade = [this](const std::string& program, const std::string& version,
                          UniqueFd client) { upgrade(program, version, std::move(client)); },
        .upgrade_refused = [this](const std::string& problem) { upgrade_refused(problem); },
        .log_levels_changed = [this] { watch_->order_log_levels({state_.log_levels.levels()}); },
    };
}

Result<void> Daemon::start() {
    // By ABRT the service manager ends a supervisor that hangs (WatchdogSec=). After an upgrade the other signals wait
    // for their handlers, and ignoring them would drop them.
    if (options_.hand_over < 0) kernel::ignore_unused_signals({SIGABRT, SIGTERM, SIGINT});
    state_.supervision.since = kernel::wall_now();
    log_.info("Starting {}", options_.identity.program_and_version(MAINSTAY_VERSION));
    if (const auto allowed = kernel::allow_descriptors(kFewestDescriptors); allowed < kFewestDescriptors)
        return fail(Errc::State, fmt::format("{} open descriptors are allowed, and at least {} are needed: raise "
                                             "LimitNOFILE= in the unit, or ulimit -n; not started",
                                             allowed, kFewestDescriptors));
    if (auto ready = set_up(); !ready) return ready;
    return begin();
}

int Daemon::run() {
    run_loop();
    // A daemon whose first configuration was refused never started.
    if (state_.ever_ran) log_.info("Stopped {}", options_.identity.program_and_version(MAINSTAY_VERSION));
    report_start(exit_code_, "ended before it ran its configuration: the log says why");
    return exit_code_;
}

Result<void> Daemon::begin() {
    if (auto taken = take_signals(); !taken) return taken;
    reap_all();  // children that exited during the start
    if (children_.is_replacing())
        children_.replace_next();
    else
        reload_.begin();
    look();
    return {};
}

// An exception that no handler caught is a bug or a lack of memory. The supervisor keeps running, for the roles' sake.
void Daemon::run_loop() {
    for (std::uint64_t caught = 0;;) {
        try {
            if (caught != 0)
                look_again();  // the handler may have been the periodic check, which re-arms itself at its end
            state_.loop.run();
            return;
        } catch (const std::exception& thrown) {
            log_exception(++caught, thrown.what());
        }
    }
}

// Where memory lacks, it may lack for the log, too; the pause keeps the loop from turning as fast as it can meanwhile.
void Daemon::log_exception(std::uint64_t number, const char* what) {
    try {
        if (std::has_single_bit(number)) log_.error("unhandled exception ({} so far): {}", number, what);
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the next one may be logged
    }
    ::poll(nullptr, 0, kPauseAfterExceptionMs);
}

Result<void> Daemon::set_up() {
    if (::geteuid() != 0)
        return fail(Errc::Permission,
                    "mainstayd must be started as root: it opens raw sockets and changes addresses and IPVS");
    for (const auto& [name, purpose] : kernel::missing_capabilities())
        log_.warning("{} is missing, which is needed to {}: add it to this container (--cap-add {})", name, purpose,
                     std::string_view{name}.substr(std::string_view{"CAP_"}.size()));
    if (auto found = find_accounts(); !found) return found;
    kernel::allow_roles_scheduling();
    if (kernel::landlock_version() == 0)
        log_.info("The kernel has no Landlock: roles may open every file that their accounts may open");
    auto executable = kernel::own_executable();
    if (!executable) return error_of(executable);
    state_.executable = std::move(*executable);
    scripts_ = std::make_unique<ScriptRunner>(state_.loop, log_, [this](Kind to, const ipc::ScriptResults& results) {
        if (to == Kind::Supervisor) return own_script_ended(results);
        children_.of(to).send(results, -1, log_);
    });
    set_up_host();
    if (options_.hand_over < 0)
        return children_.make_memory();  // the rest follows when the configuration has been read
    if (auto adopted = adopt(options_.hand_over); !adopted)
        return error_of(adopted, "the state of the program before the upgrade");
    return {};
}

// Each role has its own account, because a compromised role can signal, trace and modify everything of its account.
Result<void> Daemon::find_accounts() {
    const std::string& shared = options_.shared_account;
    if (!shared.empty()) {
        if (!kernel::find_account(shared))
            return fail(Errc::Permission, "account " + shared + " (--shared-account) does not exist");
        log_.warning("all roles run as {} (--shared-account): a compromised one can signal and trace all", shared);
    } else {
        std::vector<std::string_view> missing;
        const auto look_up = [&missing](const char* name) {
            if (!kernel::find_account(name)) missing.emplace_back(name);
        };
        for (const Kind kind : kRoleKinds) look_up(traits_of(kind).account);
        look_up(kWatcherAccount);
        look_up(kReaderAccount);
        if (!missing.empty())
            return fail(
                Errc::Permission,
                fmt::format("accounts missing: {}. Create them with `systemd-sysusers "
                            "/usr/lib/sysusers.d/mainstay.conf`, or run all roles as one with --shared-account NAME",
                            fmt::join(missing, " ")));
    }
    auto observer = kernel::find_account(state_.account_of(traits_of(Kind::Observer).account));
    if (!observer) return error_of(observer);
    state_.account = *observer;
    return {};
}

void Daemon::reap_all() {
    while (const auto ended = kernel::reap())
        static_cast<void>(scripts_->ended(*ended) || operators_.ended(*ended) || watch_->ended(*ended) ||
                          fifos_->ended(*ended) || discovery_.ended(*ended) || reload_.ended(*ended) ||
                          children_.ended(*ended));
    if (state_.is_stopping()) stop_step();
}

void Daemon::look() {
    watch_->look();
    operators_.look();
    children_.look();
    if (state_.is_stopping()) stop_step();  // its own timer may have been forgotten by an exception
    reload_.look();
    if (options_.flush_log) options_.flush_log();
    report_log_losses();
    look_again();
}

// Once a second, however often somebody loses a line.
void Daemon::report_log_losses() {
    if (options_.log_lines_lost)
        state_.log_losses.heard("supervisor", ::getpid(), options_.log_lines_lost(), kernel::wall_now());
    if (state_.log_losses.take_changed()) children_.report();
}

void Daemon::relay_read_traffic() {
    auto& lvs = children_.of(Kind::Lvs);
    // A role of the version before does not know the message.
    if (lvs.alive() && lvs.ready && !children_.is_replacing()) lvs.send(ipc::ReadTraffic{}, -1, log_);
}

void Daemon::look_again() {
    look_.expires_after(std::chrono::seconds{1});
    look_.async_wait([this](const boost::system::error_code& error) {
        if (!error) look();
    });
}

Result<void> Daemon::take_signals() {
    std::vector<int> signals{SIGTERM, SIGINT, SIGCHLD};
    std::ranges::copy(kernel::asking_signals(), std::back_inserter(signals));
    // Not these: what is ignored is dropped also if it waits.
    kernel::ignore_unused_signals({SIGABRT, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGRTMIN + 2, SIGRTMAX - 1});
    auto queue = kernel::queue_signals(signals);
    if (!queue) return error_of(queue);
    signals_.assign(queue->release());
    listen_to_signals();
    if (const auto every = kernel::watchdog_interval()) {
        const auto feed_watchdog = [this, interval = *every](auto&& self) -> void {
            kernel::notify_service_manager("WATCHDOG=1");
            watchdog_.expires_after(interval);
            watchdog_.async_wait([self](const boost::system::error_code& error) {
                if (!error) self(self);
            });
        };
        feed_watchdog(feed_watchdog);
    }
    return {};
}

void Daemon::listen_to_signals() {
    signals_.async_wait(
        boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
            if (error) return;
            listen_to_signals();  // before: the next signal is heard even if an exception ends this one's handling
            if (const auto signal = kernel::next_signal(signals_.native_handle())) on_signal(*signal);
        });
}

void Daemon::on_signal(int signal) {
    if (signal == SIGCHLD) return reap_all();
    if (signal == SIGTERM || signal == SIGINT) return stop(0);
    if (signal == SIGHUP) return reload_.request();
    operators_.ask_for_dump(signal);
}

// Whoever signals one of keepalived's children has that child reload, or write its dump. It is one of asking_signals().
void Daemon::signal_handed_on(const char* process, int pid, int signal) {
    log_.debug("signal {} to the {} process({}) is for the supervisor", signal, process, pid);
    on_signal(signal);
}

void Daemon::handle(Child& child, ipc::Received& received) {
    auto& descriptor = received.descriptor;
    std::visit(Overloaded{
                   [&](const ipc::Heartbeat& m) { children_.heard(child, m); },
                   [&](const ipc::Prepared& m) { reload_.prepared(child, m); },
                   [&](const ipc::Committed& m) { child_committed(child, m.generation); },
                   [&](const ipc::RunScript& m) { run_script(child, m); },
                   [&](const ipc::FifoLine& m) { write_fifos(child, m.line); },
                   [&](const ipc::ControlRequest& m) { operators_.control(m); },
                   [&](const ipc::SignalReceived& m) { signal_handed_on(label(child.kind), child.pid, m.signal); },
                   [&](const ipc::DumpRequested& m) { operators_.state_refreshed(child, m.signal); },
                   [&](const ipc::ReadTraffic&) { relay_read_traffic(); },
                   [&](const ipc::DiscoveryMemory&) { keep_discovery(child, std::move(descriptor)); },
                   [&](const ipc::Rests&) { children_.observer_rests(std::move(descriptor)); },
                   [](const ipc::Stopped&) {},  // its exit follows, else stop_step() kills it
                   [&](const auto&) {
                       if (const auto answer = ipc::operator_answer(received.message))
                           operators_.answered(child, *answer, descriptor);
                       if (auto question = ipc::operator_question(received.message))
                           operators_.ask(child, std::move(*question));
                   },
               },
               received.message);
}

void Daemon::run_script(Child& child, const ipc::RunScript& wanted) {
    if (const auto allowed = scripts_->check(child.kind, wanted); !allowed)
        return children_.kill_offender(
            child, "asked for the script " + wanted.key + ", which is refused: " + allowed.error().text());
    scripts_->run(child.kind, wanted);
}

void Daemon::write_fifos(Child& child, const std::string& line) {
    const auto allowed = fifos_->check(child.kind, line);
    if (allowed) return fifos_->write(child.kind, line);
    if (allowed.error().code() != Errc::NotFound)
        return children_.kill_offender(child, "sent a FIFO line that is refused: " + allowed.error().text());
    if (std::has_single_bit(++child.refused_lines))
        log_.warning("{} process({}): {}; not written ({} so far)", label(child.kind), child.pid,
                     allowed.error().text(), child.refused_lines);
}

void Daemon::configuration_committed(UniqueFd host_before) {
    report_start(0, {});
    apply_settings();
    follow_host_plan(std::move(host_before));
    scripts_->set_table(std::exchange(state_.current.table, {}));
    for (const auto& child : children_.all())
        if (child->alive() && child->prepared) children_.commit(*child);
    if (state_.phase == Phase::Starting && run_own_script(alert::kStartupScript))
        return;  // begin_running() follows its end
    begin_running();
}

void Daemon::begin_running() {
    const bool first = std::exchange(state_.phase, Phase::Running) == Phase::Starting;
    children_.follow_configuration();
    children_.start_needed_roles();
    if (first) {
        children_.start_watchers_later();
        reload_.over();
    } else {
        children_.start_watchers();
        reload_.done();
    }
    check_start();
}

void Daemon::child_committed(Child& child, std::uint64_t generation) {
    if (children_.goes_on_catching_up(child)) return;
    if (!child.ready) reload_.joined(child);
    children_.committed(child, generation);
    const KindTraits& traits = traits_of(child.kind);
    if (state_.is_stopping() && !traits.only_watches) return child.send(ipc::Stop{}, -1, log_);
    send_observations(child);
    operators_.process_runs(child.kind);
    children_.report();
    if (traits.serves_clients) {
        children_.send_records();
        operators_.send_api();  // last: with it the clients that wait are served
    }
    if (state_.is_stopping() && stop_stage_ > StopStage::NotifyScripts) return child.send(ipc::Stop{}, -1, log_);
    children_.go_on_after(child);
    check_start();
}

void Daemon::check_start() {
    if (state_.start_is_complete || !state_.is_running()) return;
    for (const auto& child : children_.all())
        if (!traits_of(child->kind).only_watches && state_.current.part(child->kind).needed && !child->ready) return;
    state_.start_is_complete = true;
    children_.start_waiting_watchers();
    log_.info("Startup complete");
    kernel::notify_service_manager("READY=1\nSTATUS=running");
}

int run_supervisor(const SupervisorOptions& options, Log& log) {
    std::optional<Daemon> daemon;
    try {
        daemon.emplace(options, log);
        if (const auto started = daemon->start(); !started) return not_started(started.error(), options, log);
    } catch (const std::exception& thrown) {
        return not_started({Errc::State, std::string{"cannot start: "} + thrown.what()}, options, log);
    }
    return daemon->run();
}

std::string program_path(const std::string& supervisor, const std::string& name) {
    auto beside = supervisor.substr(0, supervisor.rfind('/') + 1) + name;
    return ::access(beside.c_str(), X_OK) == 0 ? beside : MAINSTAY_LIBEXECDIR "/" + name;
}

}  // namespace mainstay::role
