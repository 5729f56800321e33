// The processes of the roles, from their start to their restart; their stop is in stopping.cpp.
#include "children.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "limits.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "pid_file.hpp"
#include "role/common/process.hpp"

namespace mainstay::role {

namespace inherited = ipc::inherited;

namespace {

// As the observer, the API and metrics name the process: as its part of the log is called.
std::string word_of(Kind kind) { return std::string{to_string(traits_of(kind).log_module)}; }

std::uint64_t size_of(const UniqueFd& snapshot) {
    struct stat facts{};
    return snapshot && ::fstat(snapshot.get(), &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
}

// The lvs role has no right to load kernel modules, so the supervisor loads them before it starts the role.
void load_kernel_modules(Log& log) {
    if (::access("/proc/net/ip_vs", F_OK) == 0) return;
    for (const char* program : {"/usr/sbin/modprobe", "/sbin/modprobe"}) {
        if (::access(program, X_OK) != 0) continue;
        if (const auto pid = kernel::spawn_script({program, {"modprobe", "-q", "ip_vs"}, {}}); !pid)
            log.warning("{}", pid.error().text());
        return;
    }
}

}  // namespace

Children::Children(DaemonState& daemon, Handlers handlers)
    : daemon_{daemon},
      options_{daemon.options},
      log_{daemon.log},
      handlers_{std::move(handlers)},
      spares_{daemon.loop, log_, spare_handlers()},
      rest_{daemon.loop, [this] { wake_observer(); }},
      address_release_{daemon.loop, Kind::Vrrp},
      watchers_wait_{daemon.loop},
      first_look_{daemon.loop} {
    for (const Kind kind : kRoleKinds) children_[slot(kind)] = std::make_unique<Child>(daemon.loop, kind);
}

Result<void> Children::make_memory() {
    kick_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!kick_) return fail_system("eventfd", errno);
    for (auto& child : children_) {
        const auto name = options_.identity.process_name(child->kind);
        auto block = ipc::make_shared_memfd(name + "-state", ipc::kStateBlockBytes);
        if (!block) return error_of(block);
        auto ring = ipc::make_shared_memfd(name + "-events", ipc::event_ring_bytes());
        if (!ring) return error_of(ring);
        auto mark = ipc::make_shared_memfd(name + "-read", ipc::read_mark_bytes());
        if (!mark) return error_of(mark);
        child->block = std::move(*block);
        child->ring = std::move(*ring);
        child->mark = std::move(*mark);
        if (auto opened = open_for_readers(*child); !opened) return opened;
    }
    return {};
}

Result<void> Children::open_for_readers(Child& child) {
    auto block = ipc::read_only(child.block.get());
    if (!block) return error_of(block);
    auto ring = ipc::read_only(child.ring.get());
    if (!ring) return error_of(ring);
    auto mark = ipc::read_only(child.mark.get());
    if (!mark) return error_of(mark);
    child.block_to_read = std::move(*block);
    child.ring_to_read = std::move(*ring);
    child.mark_to_read = std::move(*mark);
    return {};
}

std::vector<std::pair<int, int>> Children::descriptors_for(const Child& child) const {
    std::vector<std::pair<int, int>> list{{child.block.get(), inherited::kOwnBlock},
                                          {child.ring.get(), inherited::kOwnRing},
                                          {kick_.get(), inherited::kObserverKick},
                                          {child.mark_to_read.get(), inherited::kReadMark}};
    const KindTraits& traits = traits_of(child.kind);
    if (traits.sends_alerts)
        list.insert(list.end(), {{children_[slot(Kind::Vrrp)]->mark.get(), inherited::kVrrpMark},
                                 {children_[slot(Kind::Lvs)]->mark.get(), inherited::kLvsMark}});
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
    if (traits.works_on_ipvs && daemon_.ipvs_namespace)
        list.emplace_back(daemon_.ipvs_namespace.get(), inherited::kIpvsNamespace);
    return list;
}

kernel::RoleProcess Children::process_of(const Child& child) const {
    return {.executable = program_path(daemon_.executable, traits_of(child.kind).program),
            .argv = daemon_.command_line(options_.identity.process_name(child.kind)),
            .descriptors = descriptors_for(child),
            .network_namespace = daemon_.network_namespace_of(child.kind),
            .limits = limits_of(child.kind, configuration_bytes(child.kind))};
}

ipc::RoleStartup Children::startup_for(Kind kind, bool restarted) const {
    auto startup = daemon_.startup_for(kind, restarted);
    startup.has_record = traits_of(kind).has_record && of(kind).record;
    return startup;
}

// Connects roles that talk to each other directly: a new socket pair whenever one of the two starts.
void Children::connect_peers(const Child& started) {
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
        auto &from = of(line.from), &to = of(line.to);
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

void Children::start(Child& child) {
    if (traits_of(child.kind).holds_addresses) end_address_release();
    make_record(child);
    child.catches_up = child.ran && child.ran_number != daemon_.current.number;
    if (!child.catches_up && promote_spare(child)) return;
    auto process = process_of(child);
    // One that waits for a program that is not there comes again and again.
    const bool tries_again = traits_of(child.kind).is_optional && child.ends > 0;
    auto startup = startup_for(child.kind, child.ever_ready || tries_again);
    const UniqueFd api_socket = traits_of(child.kind).serves_clients ? rest_.end() : UniqueFd{};
    startup.has_api_socket = static_cast<bool>(api_socket);
    if (api_socket) process.descriptors.emplace_back(api_socket.get(), inherited::kApiSocket);
    const auto started = child.start(
        std::move(process), startup,
        [this, &child](Result<ipc::Received> received) { on_message(child, std::move(received)); }, log_);
    if (!started) {
        log_.error("{} process cannot be started: {}", label(child.kind), started.error().text());
        // The daemon does not stop because a role that only watches cannot be started.
        if (!child.ever_ready && !traits_of(child.kind).only_watches) return handlers_.stop(kExitFatal);
        child.born = kernel::monotonic_now();
        return start_in(child, child.next_delay(child.born) + std::chrono::seconds{1});
    }
    log_.line(tries_again ? LogLevel::Debug : LogLevel::Info,
              fmt::format("Starting {} child process, pid={}", label(child.kind), child.pid));
    write_pid(child);
    connect_peers(child);
    handlers_.greet(child);
    const auto& first = child.catches_up ? child.ran : daemon_.current.part(child.kind).snapshot;
    child.send(ipc::Prepare{first_generation(child)}, first.get(), log_);
}

std::uint64_t Children::first_generation(const Child& child) const {
    return child.catches_up ? child.ran_number : daemon_.current.number;
}

bool Children::goes_on_catching_up(Child& child) {
    if (!child.catches_up || daemon_.is_stopping()) return false;
    child.catches_up = false;
    if (child.awaited.commits > 0) --child.awaited.commits;
    child.send(ipc::Prepare{daemon_.current.number}, daemon_.current.part(child.kind).snapshot.get(), log_);
    return true;
}

void Children::start_in(Child& child, std::chrono::seconds delay) {
    child.respawn.expires_after(delay);
    child.respawn.async_wait([this, &child](const boost::system::error_code& error) {
        if (error || daemon_.is_stopping() || child.alive()) return;
        // The program of an optional role may have been removed meanwhile.
        if (traits_of(child.kind).is_optional) return start_needed(child.kind);
        start(child);
    });
    if (traits_of(child.kind).holds_addresses) begin_address_release();
}

bool Children::ended(const kernel::Ended& how) {
    if (spares_.ended(how) || address_release_ended(how)) return true;
    for (auto& child : children_) {
        if (child->pid != how.pid) continue;
        child_ended(*child, how);
        // keepalived: the file of a process that is followed at once is never absent.
        if (!child->alive()) remove_pid(child->kind, how.pid);
        return true;
    }
    return false;
}

void Children::child_ended(Child& child, const kernel::Ended& how) {
    const int pid = child.pid;
    child.hear_the_rest(log_);
    child.forget();
    handlers_.gone(child.kind);
    const KindTraits& traits = traits_of(child.kind);
    if (traits.serves_clients && rest_.is_announced()) return observer_rested();
    if (daemon_.is_stopping()) return ended_in_stop(child, how, pid);
    if (replacement_ && replacement_->has_left(child.kind))
        return start(child);  // the successor, or a new process if that has just died
    ++child.ends;
    child.last_end = kernel::wall_now();
    report();
    std::string cause = kernel::text_of(how);
    if (how.signalled && how.status == SIGSYS) cause += ": it made a system call that its seccomp filter forbids";
    if (!how.signalled && how.status == kExitOutOfMemory) cause += ": out of memory";
    if (traits.is_optional) return optional_ended(child, how);
    handlers_.died(child.kind);

    // keepalived: these exit codes are permanent errors; a restart would not help.
    const bool permanent = !how.signalled && (how.status == kExitConfig || how.status == kExitPermission);
    if ((permanent && !child.ever_ready) || !options_.respawn) {
        log_.error("{} child process({}) exited with permanent error {}. Terminating", label(child.kind), pid, cause);
        remove_pid(child.kind, pid);  // the stop may end with this
        return handlers_.stop(how.signalled ? kExitFatal : how.status);
    }
    const auto now = kernel::monotonic_now();
    if (traits.holds_addresses && child.ever_ready) vrrp_silent_since_ = vrrp_silent_since_.value_or(now);
    const auto delay = child.next_delay(now);
    log_.error("{} child process({}) died: Respawning ({}, {})", label(child.kind), pid, cause,
               delay.count() == 0 ? "at once" : "in " + std::to_string(delay.count()) + " s");
    if (delay.count() == 0) return start(child);
    start_in(child, delay);
}

// The SNMP process exits when it finds no AgentX master. That affects no other role and no reload.
void Children::optional_ended(Child& child, const kernel::Ended& how) {
    const bool again = !how.signalled && how.status == kSnmpAgain;
    const auto delay = again ? kSnmpPause : child.next_delay(kernel::monotonic_now()) + std::chrono::seconds{1};
    if (!again) log_.error("{} process died: Respawning (in {} s)", label(child.kind), delay.count());
    if (daemon_.current.part(child.kind).needed) start_in(child, delay);
    handlers_.left();
}

void Children::look() {
    for (auto& child : children_) {
        kill_if_silent(*child);
        restart_forgotten(*child);
    }
    spares_.for_each([this](Child& spare) { kill_if_silent(spare); });
}

void Children::kill_if_silent(Child& child) {
    if (!child.alive() || child.kill_sent || daemon_.is_stopping()) return;
    const auto silence = child.count_silence();
    if (!silence) return;
    log_.error("{} process({}) has been silent for {} s: killing it", label(child.kind), child.pid, *silence);
    child.kill_sent = true;
    if (::kill(child.pid, SIGKILL) != 0)
        log_.error("{} process({}) continues to hang: {}", label(child.kind), child.pid,
                   Error::system("kill", errno).text());
}

// An exception may have kept a role from its restart.
void Children::restart_forgotten(Child& child) {
    const bool waits = child.respawn.expiry() > std::chrono::steady_clock::now();
    const bool rests = traits_of(child.kind).serves_clients && (rest_.is_announced() || rest_.is_on());
    if (daemon_.is_running() && daemon_.start_is_complete && !replacement_ && !child.alive() && !waits && !rests)
        start_needed(child.kind);
}

void Children::write_pid(const Child& child) {
    const std::string path = daemon_.pid_file_of(child.kind);
    const auto write = [&] { return kernel::write_file_safely(path, std::to_string(child.pid) + "\n", 0644); };
    // The run folder lies in memory, any other on a disk that may hang.
    const auto written = options_.pid_file(child.kind).empty() ? write() : daemon_.disk.run(path, write);
    if (!written) log_.warning("{}", written.error().text());
}

// Another daemon may have the same file (-r) and have written it since.
void Children::remove_pid(Kind kind, int pid) {
    const std::string path = daemon_.pid_file_of(kind);
    const auto remove = [&]() -> Result<void> {
        if (pid_in(path) == pid) ::unlink(path.c_str());
        return {};
    };
    if (const auto removed = options_.pid_file(kind).empty() ? remove() : daemon_.disk.run(path, remove); !removed)
        log_.warning("{}", removed.error().text());
}

void Children::start_needed(Kind kind) {
    auto& child = of(kind);
    if (!daemon_.current.part(kind).needed || child.alive() || daemon_.is_stopping()) return;
    const KindTraits& traits = traits_of(kind);
    if (traits.is_optional && ::access(program_path(daemon_.executable, traits.program).c_str(), X_OK) != 0)
        return log_.warning(
            "SNMP has no effect: mainstayd-snmp is not installed; install the package mainstay-snmp (a build: "
            "-Dsnmp=enabled)");
    start(child);
}

void Children::start_needed_roles() {
    if (daemon_.current.part(Kind::Lvs).needed && !of(Kind::Lvs).alive()) load_kernel_modules(log_);
    bool any = false;
    for (const Kind kind : {Kind::Bfd, Kind::Vrrp, Kind::Lvs}) {
        any = any || daemon_.current.part(kind).needed;
        start_needed(kind);
    }
    if (!any) log_.warning("Warning - {} has no configuration to run", options_.identity.program());
}

// At the start the observer and SNMP are started after vrrp and lvs have their configuration: they would take processor
// time from the VIPs and services, and events wait in the rings meanwhile. The delay is bounded, so that a role that
// fails to start can still be observed.
void Children::start_watchers_later() {
    watchers_wait_.expires_after(kWatchersWait);
    watchers_wait_.async_wait([this](const boost::system::error_code& error) {
        if (!error && daemon_.is_running()) start_watchers();
    });
}

void Children::start_waiting_watchers() {
    if (watchers_wait_.cancel() != 0) start_watchers();
}

void Children::start_watchers() {
    watchers_wait_.cancel();
    for (const Kind kind : {Kind::Observer, Kind::Snmp}) start_needed(kind);
}

// The lvs role must know the tracked files before its Commit, or a server whose file says "down" would be added to the
// table for a moment. The wait is bounded, because a file system may hang.
void Children::commit(Child& child) {
    if (!traits_of(child.kind).waits_for_files || handlers_.host_is_known()) return commit_now(child);
    child.awaits_look = true;
    first_look_.expires_after(kFirstLook);
    first_look_.async_wait([this](const boost::system::error_code& error) {
        if (!error) commit_waiting();
    });
}

void Children::commit_waiting() {
    for (auto& child : children_)
        if (std::exchange(child->awaits_look, false)) commit_now(*child);
}

void Children::commit_now(Child& child) {
    ++child.awaited
          .commits;  // before: servers are delivered to a process that has, or is about to get, a configuration
    if (traits_of(child.kind).waits_for_files) handlers_.observations(child);
    child.send(ipc::Commit{first_generation(child)}, -1, log_);
}

void Children::committed(Child& child, std::uint64_t generation) {
    if (child.awaited.commits > 0) --child.awaited.commits;
    child.ready = child.ever_ready = true;
    child.catches_up = false;
    if (!traits_of(child.kind).holds_addresses) return;
    vrrp_silent_since_.reset();
    if (generation == daemon_.current.number) remember(child);
}

void Children::remember(Child& child) {
    const auto& running = daemon_.current.part(child.kind).snapshot;
    child.ran = running ? UniqueFd{::fcntl(running.get(), F_DUPFD_CLOEXEC, 0)} : UniqueFd{};
    child.ran_number = daemon_.current.number;
}

void Children::go_on_after(const Child& child) {
    spares_.fill_soon();
    if (replacement_) replacement_->committed(child.kind);
}

// The size of the running configuration or of the next one, whichever is larger. Where the limits of a running process
// cannot be raised later, room for a larger configuration is added at its start.
std::uint64_t Children::configuration_bytes(Kind kind) const {
    std::uint64_t running = 0, next = 0;
    for (const Kind part : kRoleKinds) {
        if (part != kind && !traits_of(kind).only_watches) continue;
        running += size_of(daemon_.current.part(part).snapshot);
        next += size_of(daemon_.next.part(part).snapshot);
    }
    return std::max({running, next, may_raise_limits_ ? 0 : kRoomToGrow});
}

void Children::raise_limits() {
    for (const auto& child : children_) raise_limits(*child);
}

void Children::raise_limits(const Child& child) {
    if (!may_raise_limits_ || !child.alive()) return;
    const auto raised = kernel::limit_process(child.pid, limits_of(child.kind, configuration_bytes(child.kind)));
    if (!raised) log_.warning("{} process({}): {}", label(child.kind), child.pid, raised.error().text());
}

void Children::make_record(Child& child) {
    const std::uint64_t mib = daemon_.settings().recorder_mib;
    if (!traits_of(child.kind).has_record || mib == 0 || child.record) return;
    auto memory = ipc::make_shared_memfd(options_.identity.process_name(child.kind) + "-record", mib << 20);
    if (!memory) return log_.error("nothing is recorded: {}", memory.error().text());
    child.record = std::move(*memory);
    send_record(child);
}

// The observer saves the records by itself when something has changed hands. One of another version, before an upgrade
// has replaced it, gets no message.
void Children::send_record(const Child& child) {
    Child& observer = of(Kind::Observer);
    if (!child.record || !observer.alive() || !observer.ready || observer.awaited.handed_over) return;
    const auto memory = ipc::read_only(child.record.get());
    if (!memory) return log_.error("records will not be saved by themselves: {}", memory.error().text());
    observer.send(ipc::RecordMemory{}, memory->get(), log_);
}

void Children::send_records() {
    for (const auto& child : children_) send_record(*child);
}

Result<UniqueFd> Children::record_to_read(const ipc::RecordQuestion& question) {
    using Of = ipc::RecordQuestion::Of;
    const Child& child = of(question.of == Of::Lvs ? Kind::Lvs : Kind::Vrrp);
    if (child.record) return ipc::read_only(child.record.get());
    if (daemon_.settings().recorder_mib == 0)
        return fail(Errc::State, "the flight recorder is off: [recorder] size of mainstay.toml is 0");
    return fail(Errc::State,
                fmt::format("there is no flight record: the {} process has not run since the start or upgrade",
                            label(child.kind)));
}

void Children::heard(const Child& child, const ipc::Heartbeat& beat) {
    daemon_.log_losses.heard(word_of(child.kind), child.pid, beat.log_lines_lost, kernel::wall_now());
}

// What the observer shows of the processes and of reloads.
void Children::report() {
    auto& observer = of(Kind::Observer);
    // While an upgrade replaces the roles, the observer may still be one of the version before.
    if (!observer.alive() || !observer.ready || is_replacing() || daemon_.is_stopping()) return;
    ipc::SupervisionReport report{daemon_.supervision};
    for (const Kind kind : kRoleKinds) {
        const auto& child = of(kind);
        if (daemon_.current.part(kind).needed)
            report.now.processes.push_back({word_of(kind), child.ready, child.ends, child.last_end});
    }
    report.now.log_losses = daemon_.log_losses.all();
    observer.send(report, -1, log_);
}

}  // namespace mainstay::role
