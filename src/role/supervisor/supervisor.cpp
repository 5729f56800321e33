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

#include "impl.hpp"
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

Supervisor::Supervisor(const SupervisorOptions& options, Log& log) : options_{options}, log_{log} {}

Result<void> Supervisor::start() {
    // By ABRT the service manager ends a supervisor that hangs (WatchdogSec=). After an upgrade the other signals wait
    // for their handlers, and ignoring them would drop them.
    if (options_.hand_over < 0) kernel::ignore_unused_signals({SIGABRT, SIGTERM, SIGINT});
    supervision_.since = kernel::wall_now();
    log_.info("Starting {}", options_.identity.program_and_version(MAINSTAY_VERSION));
    if (auto ready = set_up(); !ready) return ready;
    begin();
    return {};
}

int Supervisor::run() {
    run_loop();
    // A daemon whose first configuration was refused never started.
    if (ever_ran_) log_.info("Stopped {}", options_.identity.program_and_version(MAINSTAY_VERSION));
    report_start(exit_code_, "ended before it ran its configuration: the log says why");
    return exit_code_;
}

void Supervisor::begin() {
    take_signals();
    kernel::unblock_signals();  // a program before this one has blocked them
    reap_all();                 // children that exited during the start
    if (replacement_)
        replacement_->next();
    else
        begin_reading();
    check_children();
}

// An exception that no handler caught is a bug or a lack of memory. The supervisor keeps running, for the roles' sake.
void Supervisor::run_loop() {
    for (std::uint64_t caught = 0;;) {
        try {
            if (caught != 0)
                look_again();  // the handler may have been the periodic check, which re-arms itself at its end
            loop_.run();
            return;
        } catch (const std::exception& thrown) {
            log_exception(++caught, thrown.what());
        }
    }
}

// Where memory lacks, it may lack for the log, too; the pause keeps the loop from turning as fast as it can meanwhile.
void Supervisor::log_exception(std::uint64_t number, const char* what) {
    try {
        if (std::has_single_bit(number)) log_.error("unhandled exception ({} so far): {}", number, what);
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the next one may be logged
    }
    ::poll(nullptr, 0, kPauseAfterExceptionMs);
}

Result<void> Supervisor::set_up() {
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
    if (auto found = find_executables(); !found) return found;
    scripts_ = std::make_unique<ScriptRunner>(loop_, log_, [this](Kind to, const ipc::ScriptResults& results) {
        if (to == Kind::Supervisor) return own_script_ended(results);
        child_of(to).send(results, -1, log_);
    });
    set_up_host();
    make_dump_requests();
    make_reload_parts();
    make_spares();
    if (options_.hand_over < 0) return make_shared_memory();  // the rest follows when the configuration has been read
    if (auto adopted = adopt(options_.hand_over); !adopted)
        return error_of(adopted, "the state of the program before the upgrade");
    return {};
}

// Each role has its own account, because a compromised role can signal, trace and modify everything of its account.
Result<void> Supervisor::find_accounts() {
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
    auto observer = kernel::find_account(account_of(traits_of(Kind::Observer).account));
    if (!observer) return error_of(observer);
    account_ = *observer;
    return {};
}

std::string Supervisor::account_of(const char* own) const {
    return options_.shared_account.empty() ? own : options_.shared_account;
}

Result<void> Supervisor::find_executables() {
    auto executable = kernel::own_executable();
    if (!executable) return error_of(executable);
    executable_ = std::move(*executable);
    return {};
}

Result<void> Supervisor::make_shared_memory() {
    kick_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!kick_) return fail_system("eventfd", errno);
    for (const Kind kind : kRoleKinds) {
        auto child = std::make_unique<Child>(loop_, kind);
        const auto name = options_.identity.process_name(kind);
        auto block = ipc::make_shared_memfd(name + "-state", ipc::kStateBlockBytes);
        if (!block) return error_of(block);
        auto ring = ipc::make_shared_memfd(name + "-events", ipc::event_ring_bytes());
        if (!ring) return error_of(ring);
        child->block = std::move(*block);
        child->ring = std::move(*ring);
        if (auto opened = open_for_readers(*child); !opened) return opened;
        children_[slot(kind)] = std::move(child);
    }
    return {};
}

Result<void> Supervisor::open_for_readers(Child& child) {
    auto block = ipc::read_only(child.block.get());
    if (!block) return error_of(block);
    auto ring = ipc::read_only(child.ring.get());
    if (!ring) return error_of(ring);
    child.block_to_read = std::move(*block);
    child.ring_to_read = std::move(*ring);
    return {};
}

void Supervisor::reap_all() {
    while (const auto ended = kernel::reap()) {
        if (scripts_->ended(*ended) || (dry_runs_ && dry_runs_->ended(*ended)) || watch_->ended(*ended) ||
            fifos_->ended(*ended) || dumps_->ended(*ended) || discovery_.ended(*ended) || reader_->ended(*ended) ||
            spares_->ended(*ended) || address_release_ended(*ended))
            continue;
        for (auto& child : children_) {
            if (child->pid != ended->pid) continue;
            child_ended(*child, *ended);
            // keepalived: the file of a process that is followed at once is never absent.
            if (!child->alive()) remove_child_pid(child->kind, ended->pid);
        }
    }
    if (phase_ == Phase::Stopping) stop_step();
}

void Supervisor::child_ended(Child& child, const kernel::Ended& how) {
    const int pid = child.pid;
    child.forget();
    dumps_->gone(child.kind);
    const KindTraits& traits = traits_of(child.kind);
    operators_.process_died(child.kind);
    if (traits.serves_clients && rest_.is_announced()) return observer_rested();
    if (phase_ == Phase::Stopping) return;
    if (replacement_ && replacement_->has_left(child.kind))
        return start_child(child);  // the successor, or a new process if that has just died
    ++child.ends;
    child.last_end = kernel::wall_now();
    report_supervision();
    std::string cause = kernel::text_of(how);
    if (how.signalled && how.status == SIGSYS) cause += ": it made a system call that its seccomp filter forbids";
    if (!how.signalled && how.status == kExitOutOfMemory) cause += ": out of memory";
    if (traits.is_optional) return optional_ended(child, how);
    if (reload_->is_under_way()) reload_->abort(std::string{label(child.kind)} + " process died meanwhile");

    // keepalived: these exit codes are permanent errors; a restart would not help.
    const bool permanent = !how.signalled && (how.status == kExitConfig || how.status == kExitPermission);
    if ((permanent && !child.ever_ready) || !options_.respawn) {
        log_.error("{} child process({}) exited with permanent error {}. Terminating", label(child.kind), pid, cause);
        remove_child_pid(child.kind, pid);  // the stop may end with this
        return stop(how.signalled ? kExitFatal : how.status);
    }
    const auto now = kernel::monotonic_now();
    if (traits.holds_addresses && child.ever_ready) vrrp_silent_since_ = vrrp_silent_since_.value_or(now);
    const auto delay = child.next_delay(now);
    log_.error("{} child process({}) died: Respawning ({}, {})", label(child.kind), pid, cause,
               delay.count() == 0 ? "at once" : "in " + std::to_string(delay.count()) + " s");
    if (delay.count() == 0) return start_child(child);
    start_child_in(child, delay);
}

// The SNMP process exits when it finds no AgentX master. That affects no other role and no reload.
void Supervisor::optional_ended(Child& child, const kernel::Ended& how) {
    const bool again = !how.signalled && how.status == kSnmpAgain;
    const auto delay = again ? kSnmpPause : child.next_delay(kernel::monotonic_now()) + std::chrono::seconds{1};
    if (!again) log_.error("{} process died: Respawning (in {} s)", label(child.kind), delay.count());
    if (current_.part(child.kind).needed) start_child_in(child, delay);
    reload_->forget_gone();
}

void Supervisor::start_child_in(Child& child, std::chrono::seconds delay) {
    child.respawn.expires_after(delay);
    child.respawn.async_wait([this, &child](const boost::system::error_code& error) {
        if (error || phase_ == Phase::Stopping || child.alive()) return;
        // The program of an optional role may have been removed meanwhile.
        if (traits_of(child.kind).is_optional) return start_needed(child.kind);
        start_child(child);
    });
    if (traits_of(child.kind).holds_addresses) begin_address_release();
}

ipc::RoleStartup Supervisor::startup_for(Kind kind, bool restarted) const {
    const KindTraits& traits = traits_of(kind);
    ipc::RoleStartup startup;
    startup.restarted = restarted;
    startup.log_ident = options_.identity.log_ident(kind) + paths_.suffix;
    startup.log_socket = options_.log_socket;
    startup.log_facility = options_.log_facility;
    startup.log_console = options_.log_console;
    startup.log_level = log_levels_.of(kind == Kind::Supervisor ? LogModule::Config : traits.log_module);
    startup.log_levels = log_levels_.levels();
    startup.log_journal = options_.log_journal;
    startup.log_json = options_.log_json;
    startup.user = account_of(traits.account);
    startup.process_name = options_.identity.process_name(kind);
    startup.config_path = options_.config_path;
    startup.config_id = options_.config_id;
    startup.control_socket = paths_.run_directory + "/" + std::string{kApiSocket};
    startup.spool_directory = paths_.spool_directory;
    startup.net_namespace = options_.net_namespace;
    const auto number = static_cast<std::uint8_t>(kind);
    startup.may_schedule = std::ranges::count(current_.settings.daemon.scheduling_roles, number) != 0;
    startup.may_lock = std::ranges::count(current_.settings.daemon.locking_roles, number) != 0;
    startup.has_record = traits.has_record && children_[slot(kind)]->record;
    startup.has_ipvs_namespace = traits.works_on_ipvs && ipvs_namespace_;
    startup.keep_addresses = options_.keep_addresses;
    startup.keep_ipvs = options_.keep_ipvs;
    startup.adopt = options_.adopt && !startup_reported_ && options_.hand_over < 0;
    if (replacement_) startup.upgraded_from = upgraded_from_;
    startup.settings_path = options_.settings_path;
    startup.audit_seconds = current_.settings.audit_seconds;
    startup.mail_keep_seconds = current_.settings.mail_keep_seconds;
    if (traits.sends_alerts) startup.mail = current_.settings.mail;
    if (traits.sends_alerts) startup.webhooks = current_.settings.webhooks;
    startup.strict = options_.strict;
    startup.all_include_checks = options_.all_include_checks;
    startup.snmp = options_.snmp;
    startup.snmp_socket = traits.needs_snmp_socket ? current_.settings.daemon.snmp_socket : options_.snmp_socket;
    return startup;
}

std::vector<std::pair<int, int>> Supervisor::descriptors_for(const Child& child) const {
    std::vector<std::pair<int, int>> list{{child.block.get(), inherited::kOwnBlock},
                                          {child.ring.get(), inherited::kOwnRing},
                                          {kick_.get(), inherited::kObserverKick}};
    const KindTraits& traits = traits_of(child.kind);
    if (traits.only_watches) {
        const auto& vrrp = *children_[slot(Kind::Vrrp)];
        const auto& lvs = *children_[slot(Kind::Lvs)];
        list.insert(list.end(), {{vrrp.block_to_read.get(), inherited::kVrrpBlock},
                                 {vrrp.ring_to_read.get(), inherited::kVrrpRing},
                                 {lvs.block_to_read.get(), inherited::kLvsBlock},
                                 {lvs.ring_to_read.get(), inherited::kLvsRing},
                                 {children_[slot(Kind::Bfd)]->block_to_read.get(), inherited::kBfdBlock}});
    }
    if (child.record) list.emplace_back(child.record.get(), inherited::kOwnRecord);
    if (traits.works_on_ipvs && ipvs_namespace_) list.emplace_back(ipvs_namespace_.get(), inherited::kIpvsNamespace);
    return list;
}

// keepalived's processes are forks: programs that drive it (neutron) look for their daemon's paths in the arguments of
// each. The roles' programs do not read them.
std::vector<std::string> Supervisor::command_line(std::string program) const {
    if (options_.arguments.empty()) return {std::move(program)};
    auto words = options_.arguments;
    if (!options_.identity.keepalived) words.front() = std::move(program);
    return words;
}

kernel::RoleProcess Supervisor::process_of(const Child& child) const {
    return {.executable = program_path(executable_, traits_of(child.kind).program),
            .argv = command_line(options_.identity.process_name(child.kind)),
            .descriptors = descriptors_for(child),
            .network_namespace = network_namespace_of(child.kind),
            .limits = limits_of(child.kind, configuration_bytes(child.kind))};
}

// Connects roles that talk to each other directly: a new socket pair whenever one of the two starts.
void Supervisor::connect_peers(const Child& started) {
    using To = ipc::PeerChannel::To;
    static constexpr struct {
        Kind from;
        To name;
        Kind to;
        To name_of_to;
    } kLines[] = {{Kind::Bfd, To::Bfd, Kind::Vrrp, To::Vrrp},
                  {Kind::Bfd, To::Bfd, Kind::Lvs, To::Lvs},
                  {Kind::Vrrp, To::Vrrp, Kind::Lvs, To::Lvs}};
    for (const auto& line : kLines) {
        auto &from = child_of(line.from), &to = child_of(line.to);
        if ((started.kind != line.from && started.kind != line.to) || !from.alive() || !to.alive()) continue;
        auto ends = ipc::make_channel();
        if (!ends) {
            log_.error("{} and {} cannot be connected: {}", label(line.from), label(line.to), ends.error().text());
            continue;
        }
        from.send(ipc::PeerChannel{line.name_of_to}, ends->first.get(), log_);
        to.send(ipc::PeerChannel{line.name}, ends->second.get(), log_);
    }
}

// Roles that only watch stay in the host's namespace, where the mail server, the AgentX master and the clients are.
int Supervisor::network_namespace_of(Kind kind) const {
    return traits_of(kind).only_watches ? -1 : network_namespace_.get();
}

void Supervisor::start_child(Child& child) {
    if (traits_of(child.kind).holds_addresses) end_address_release();
    make_record(child);
    if (promote_spare(child)) return;
    auto process = process_of(child);
    auto startup = startup_for(child.kind, child.ever_ready);
    const UniqueFd api_socket = traits_of(child.kind).serves_clients ? rest_.end() : UniqueFd{};
    startup.has_api_socket = static_cast<bool>(api_socket);
    if (api_socket) process.descriptors.emplace_back(api_socket.get(), inherited::kApiSocket);
    const auto started = child.start(
        std::move(process), startup,
        [this, &child](Result<ipc::Received> received) { on_message(child, std::move(received)); }, log_);
    if (!started) {
        log_.error("{} process cannot be started: {}", label(child.kind), started.error().text());
        // The daemon does not stop because a role that only watches cannot be started.
        if (!child.ever_ready && !traits_of(child.kind).only_watches) return stop(kExitFatal);
        child.born = kernel::monotonic_now();
        return start_child_in(child, child.next_delay(child.born) + std::chrono::seconds{1});
    }
    log_.info("Starting {} child process, pid={}", label(child.kind), child.pid);
    write_child_pid(child);
    connect_peers(child);
    order_maintenance(child);
    send_discovery(child);
    child.send(ipc::Prepare{current_.number}, current_.part(child.kind).snapshot.get(), log_);
}

void Supervisor::check_children() {
    watch_->look();
    look_at_maintenance();
    for (auto& child : children_) {
        look_at_heartbeats(*child);
        restart_forgotten(*child);
    }
    if (phase_ == Phase::Stopping) stop_step();  // its own timer may have been forgotten by an exception
    spares_->for_each([this](Child& spare) { look_at_heartbeats(spare); });
    look_at_schedule();
    look_at_api_files();
    if (options_.flush_log) options_.flush_log();
    report_log_losses();
    look_again();
}

void Supervisor::look_at_heartbeats(Child& child) {
    if (!child.alive() || child.kill_sent || phase_ == Phase::Stopping) return;
    if (++child.missed <= kMissedHeartbeatsMax) return;
    log_.error("{} process({}) has been silent for {} s: killing it", label(child.kind), child.pid,
               kMissedHeartbeatsMax);
    child.kill_sent = true;
    if (::kill(child.pid, SIGKILL) != 0)
        log_.error("{} process({}) continues to hang: {}", label(child.kind), child.pid,
                   Error::system("kill", errno).text());
}

// An exception may have kept a role from its restart.
void Supervisor::restart_forgotten(Child& child) {
    const bool waits = child.respawn.expiry() > std::chrono::steady_clock::now();
    const bool rests = traits_of(child.kind).serves_clients && (rest_.is_announced() || rest_.is_on());
    if (phase_ == Phase::Running && startup_reported_ && !replacement_ && !child.alive() && !waits && !rests)
        start_needed(child.kind);
}

void Supervisor::look_again() {
    look_.expires_after(std::chrono::seconds{1});
    look_.async_wait([this](const boost::system::error_code& error) {
        if (!error) check_children();
    });
}

int run_supervisor(const SupervisorOptions& options, Log& log) {
    std::optional<Supervisor> supervisor;
    try {
        supervisor.emplace(options, log);
        if (const auto started = supervisor->start(); !started) return not_started(started.error(), options, log);
    } catch (const std::exception& thrown) {
        return not_started({Errc::State, std::string{"cannot start: "} + thrown.what()}, options, log);
    }
    return supervisor->run();
}

std::string program_path(const std::string& supervisor, const std::string& name) {
    auto beside = supervisor.substr(0, supervisor.rfind('/') + 1) + name;
    return ::access(beside.c_str(), X_OK) == 0 ? beside : MAINSTAY_LIBEXECDIR "/" + name;
}

}  // namespace mainstay::role
