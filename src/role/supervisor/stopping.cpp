// The stop: the roles first, then their last scripts, then the firewall's rules and the observer, shutdown_script at
// the end, each within its bound.
#include "stopping.hpp"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "children.hpp"
#include "daemon.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/service_manager.hpp"

namespace mainstay::role {
namespace {

constexpr std::chrono::milliseconds kStopLook{50};

double seconds_of(std::chrono::milliseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void Daemon::report_start(int exit_code, const std::string& why) {
    if (!std::exchange(start_reported_, true) && options_.report_start) options_.report_start(exit_code, why);
}

// keepalived: the start of a second daemon exits with 0, and programs that start it take anything else for a failure.
int exit_code_of(const Error& refusal, const Identity& identity) {
    if (refusal.code() == Errc::Exists) return identity.keepalived ? 0 : kExitAlreadyRunning;
    return refusal.code() == Errc::Permission ? kExitPermission : kExitFatal;
}

void Daemon::stop(int exit_code) {
    if (state_.is_stopping()) return;
    state_.phase = Phase::Stopping;
    exit_code_ = exit_code;
    state_.stop_began = kernel::monotonic_now();
    if (state_.ever_ran) log_.info("Stopping");
    kernel::notify_service_manager("STOPPING=1");
    reload_.stop();
    operators_.stop();
    watch_->stop();
    children_.begin_stop();
    stop_step();
}

void Daemon::stop_step() {
    const auto bounds = stop_bounds(std::chrono::seconds{state_.settings().child_wait_seconds});
    const Nanos since = kernel::monotonic_now() - state_.stop_began;
    if (stop_stage_ == StopStage::Roles && children_.roles_have_stopped(bounds, since)) {
        stop_stage_ = StopStage::NotifyScripts;
        fifos_->close_writers();
        scripts_->hurry();
        notify_scripts_until_ = std::min<Nanos>(since + kForLastScripts, bounds.notify_scripts);
    }
    if (stop_stage_ == StopStage::NotifyScripts &&
        ((scripts_->running() == 0 && fifos_->scripts_running() == 0) || since >= notify_scripts_until_)) {
        scripts_->end_notify_scripts();
        fifos_->terminate_scripts();
        fifos_->remove();
        stop_stage_ = StopStage::Firewall;
        children_.stop_watchers();
    }
    if (stop_stage_ == StopStage::Firewall && (!scripts_->changes_firewall() || since >= bounds.firewall)) {
        scripts_->end_all();
        stop_stage_ = StopStage::Rest;
        (void)run_own_script(alert::kShutdownScript);
    }
    if ((stop_stage_ == StopStage::Rest && rest_has_stopped(bounds, since)) ||
        (since >= bounds.all && (own_script_ == 0 || !scripts_->has_limit(alert::kShutdownScript))))
        return finish();
    stop_tick_.expires_after(kStopLook);
    stop_tick_.async_wait([this](const boost::system::error_code& error) {
        if (!error) stop_step();
    });
}

// The files of a dump that is not finished are removed.
bool Daemon::rest_has_stopped(const StopBounds& bounds, Nanos since) {
    const bool watchers = children_.watchers_have_stopped(since >= bounds.observer);
    if (own_script_ != 0 && since >= bounds.shutdown_script && !scripts_->has_limit(alert::kShutdownScript)) {
        log_.warning(
            "{} did not end within {:g} s of the stop: killed (shutdown_script_timeout sets how long it may take)",
            alert::kShutdownScript, seconds_of(bounds.shutdown_script));
        own_script_ = 0;
        scripts_->end_all();
    }
    const bool writes = operators_.makes_dump() || discovery_.is_writing();
    return watchers && own_script_ == 0 && (!writes || since >= bounds.observer);
}

void Daemon::finish() {
    reload_.remove_files();
    pid_file_.remove();
    remove_empty_folders();
    state_.loop.stop();
}

void Children::begin_stop() {
    watchers_wait_.cancel();
    replacement_.reset();
    wake_observer();  // it stores the last events
    for (auto& child : children_) {
        child->respawn.cancel();
        if (child->retires) child->kill_sent = false;  // nobody but the stop kills it now if it hangs
        if (!traits_of(child->kind).only_watches) stop_role(*child);
    }
    spares_.stop();
}

// Addresses and services of a role process that died must be removed as well: a new process is started at once, even if
// its restart was delayed, takes them over, and is then stopped (child_committed).
void Children::stop_role(Child& child) {
    if (!child.alive() && child.ever_ready && daemon_.current.part(child.kind).needed) start(child);
    if (child.alive() && (child.ready || !child.ever_ready)) child.send(ipc::Stop{}, -1, log_);
}

// Nothing is restarted any more, but what a role that died, or ended for its successor, has left must be removed.
void Children::ended_in_stop(Child& child, const kernel::Ended& how, int pid) {
    const bool is_second = child.born > daemon_.stop_began;
    const bool retired = std::exchange(child.retires, false);
    if (traits_of(child.kind).only_watches || is_second || (!retired && !how.signalled && how.status == 0)) return;
    child.has_left_things = true;
    if (retired)
        log_.notice("{} process({}) ended for its successor in the upgrade: another one removes what it has left",
                    label(child.kind), pid);
    else if (!child.kill_sent)
        log_.error("{} process({}) died in the stop ({}): another one removes what it has left", label(child.kind), pid,
                   kernel::text_of(how));
}

// A role that hangs is killed. It and one that has died are followed by another process.
bool Children::roles_have_stopped(const StopBounds& bounds, Nanos since) {
    bool all = true;
    for (auto& child : children_) {
        if (traits_of(child->kind).only_watches) continue;
        if (!child->alive() && since < bounds.again && std::exchange(child->has_left_things, false)) stop_role(*child);
        if (!child->alive()) continue;
        all = false;
        const bool is_second = child->born - daemon_.stop_began >= bounds.roles;
        if (since < (is_second ? bounds.again : bounds.roles) || std::exchange(child->kill_sent, true)) continue;
        log_.error("{} process({}) failed to stop within {:g} s - forcing termination", label(child->kind), child->pid,
                   seconds_of(is_second ? bounds.again - bounds.roles : bounds.roles));
        ::kill(child->pid, SIGKILL);
    }
    return all;
}

// One that starts just now is stopped as soon as it runs (Daemon::child_committed).
void Children::stop_watchers() {
    for (const Kind kind : {Kind::Observer, Kind::Snmp})
        if (Child& child = of(kind); child.alive() && (child.ready || !child.ever_ready))
            child.send(ipc::Stop{}, -1, log_);
}

bool Children::watchers_have_stopped(bool kill) {
    bool all = true;
    for (const Kind kind : {Kind::Observer, Kind::Snmp}) {
        const Child& child = of(kind);
        if (child.alive() && kill) ::kill(child.pid, SIGKILL);
        all = all && !child.alive();
    }
    return all;
}

// While no vrrp process runs, and none is started at once, the virtual addresses are taken from this host before
// another router can have taken them over, by another program with the rights of the vrrp role.

namespace {

constexpr const char* kProgram = "mainstayd-yield";

}  // namespace

void Children::begin_address_release() {
    const Child& vrrp = of(Kind::Vrrp);
    if (!vrrp_silent_since_ || vrrp.alive() || address_release_.alive() || options_.keep_addresses ||
        daemon_.is_stopping())
        return;
    const auto silent =
        std::chrono::duration_cast<std::chrono::milliseconds>(kernel::monotonic_now() - *vrrp_silent_since_);
    auto process = process_of(vrrp);
    process.executable = program_path(daemon_.executable, kProgram);
    process.argv = daemon_.command_line(kProgram);
    process.argv.insert(process.argv.begin() + 1, std::to_string(silent.count()));
    auto startup = startup_for(Kind::Vrrp, true);
    startup.process_name = kProgram;
    startup.may_schedule = startup.may_lock = startup.has_record = false;
    const auto on_message = [this](const Result<ipc::Received>& received) {
        const auto* prepared = received ? std::get_if<ipc::Prepared>(&received->message) : nullptr;
        if (prepared != nullptr && prepared->refused.empty())
            address_release_.send(ipc::Commit{prepared->generation}, -1, log_);
    };
    if (const auto started = address_release_.start(std::move(process), startup, on_message, log_); !started)
        return log_.error("virtual addresses stay on this host while no VRRP process runs: {}", started.error().text());
    const auto& held = vrrp.ran ? vrrp.ran : daemon_.current.part(Kind::Vrrp).snapshot;
    address_release_.send(ipc::Prepare{daemon_.current.number}, held.get(), log_);
}

void Children::end_address_release() {
    if (address_release_.alive()) address_release_.kill_offender();
}

bool Children::address_release_ended(const kernel::Ended& how) {
    if (how.pid != address_release_.pid) return false;
    const bool killed = address_release_.offended;
    address_release_.forget();
    if (killed)
        begin_address_release();  // the vrrp process for which it was killed may have died meanwhile
    else if (how.signalled || how.status != 0)
        log_.error("virtual addresses may have stayed on this host while no VRRP process runs: {}",
                   kernel::text_of(how));
    return true;
}

}  // namespace mainstay::role
