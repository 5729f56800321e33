// What the supervisor runs besides the roles: startup_script and shutdown_script, the notify FIFOs, and the watcher.
#include <fcntl.h>

#include "impl.hpp"
#include "mainstay/ipc/host_plan.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

namespace {

constexpr std::uint64_t kStartupRequest = 1, kShutdownRequest = 2;

std::string watcher_name(const std::string& supervisor) {
    return supervisor == "keepalived" ? supervisor : supervisor.substr(0, 9) + "-track";
}

}  // namespace

void Supervisor::set_up_host() {
    kernel::adopt_orphans();  // what scripts leave behind is seen as theirs (`mainstayctl doctor`), and reaped
    fifos_ = std::make_unique<NotifyFifos>(loop_, log_);
    const auto startup = [this](bool again) {
        auto greeting = startup_for(Kind::Supervisor, again);
        greeting.log_ident =
            options_.identity.log_ident(Kind::Vrrp) + places_.suffix;  // keepalived: the VRRP process watches
        greeting.log_level = log_levels_.of(LogModule::Track);
        greeting.user = account_of(kWatcherAccount);
        greeting.process_name = watcher_name(options_.identity.process_name(Kind::Supervisor));
        return greeting;
    };
    const auto start = [this](int control) {
        return kernel::spawn_role({program_path(executable_, kWatcherProgram),
                                   command_line(watcher_name(options_.identity.process_name(Kind::Supervisor))),
                                   {{control, ipc::inherited::kControl}},
                                   network_namespace_.get(),
                                   watcher_limits()});
    };
    const auto deliver = [this](const ipc::Observations& observations) {
        for (auto& child : children_)
            if (child->alive() && child->ready && traits_of(child->kind).hears_observations)
                child->send(observations, -1, log_);
    };
    const auto deliver_servers = [this](const ipc::ServerFileRead& read, int servers) {
        auto& lvs = child_of(Kind::Lvs);
        if (!lvs.alive()) return true;  // the next process is given all
        if ((!lvs.ready && lvs.awaited.commits == 0) || !lvs.has_room()) return false;
        lvs.send(read, servers, log_);
        return true;
    };
    watch_ = std::make_unique<HostWatch>(
        loop_, log_, start, startup, deliver, deliver_servers, [this] { commit_who_waits(); },
        [this](int pid, int signal) { signal_handed_on("watcher", pid, signal); },
        [this](int pid, std::uint64_t lines) { log_losses_.heard("watcher", pid, lines, kernel::wall_now()); });
}

// What the watcher knows, for a role that has just started, or before a Commit.
void Supervisor::send_observations(Child& child) {
    if (const auto seen = watch_->seen(); !seen.list.empty()) child.send(seen, -1, log_);
    if (child.kind == Kind::Lvs) watch_->deliver_all_servers();
}

void Supervisor::load_discovery() {
    if (const auto loaded = discovery_.load(places_.state_directory); !loaded)
        log_.warning("the real servers that were known before are lost: {}", loaded.error().text());
}

// Before its first configuration.
void Supervisor::send_discovery(Child& child) {
    if (child.kind == Kind::Lvs && discovery_.memory() >= 0)
        child.send(ipc::DiscoveryMemory{}, discovery_.memory(), log_);
}

void Supervisor::keep_discovery(Child& child, UniqueFd sealed) {
    if (const auto kept = discovery_.keep(std::move(sealed)); !kept)
        kill_offender(child, "sent known servers that cannot be read: " + kept.error().text());
}

// `before`: the plan that stays in force if the new one cannot be read.
void Supervisor::follow_host_plan(UniqueFd before) {
    const auto bytes = ipc::read_memfd(current_.host.get());
    auto plan = bytes ? decode<ipc::HostPlan>(*bytes) : error_of(bytes);
    if (!plan) {
        current_.host = std::move(before);
        return log_.error("FIFOs and trackers are unchanged: {}", plan.error().text());
    }
    fifos_->follow(*plan, current_.table);
    watch_->follow(UniqueFd{::fcntl(current_.host.get(), F_DUPFD_CLOEXEC, 3)}, plan->watch);
}

bool Supervisor::run_own_script(const char* key) {
    if (!scripts_->has(key)) return false;
    log_.info("Running {}", key);
    own_script_ = phase_ == Phase::Stopping ? kShutdownRequest : kStartupRequest;
    scripts_->run(Kind::Supervisor, {own_script_, key, {}, {}});
    return true;
}

void Supervisor::own_script_ended(const ipc::ScriptResults& results) {
    using How = ipc::ScriptResult::How;
    for (const auto& result : results.results) {
        if (result.request != own_script_) continue;
        own_script_ = 0;
        const char* name = result.request == kStartupRequest ? alert::kStartupScript : alert::kShutdownScript;
        if (result.how == How::TimedOut)
            log_.warning("{} timed out and was killed", name);
        else if (result.how == How::NotRun)
            log_.warning("{} was not run", name);
        else if (result.how != How::Exited || result.status != 0)
            log_.warning("{} ended with {} {}", name, result.how == How::Exited ? "status" : "signal", result.status);
        if (phase_ == Phase::Starting)
            begin_running();
        else if (phase_ == Phase::Stopping)
            stop_step();
    }
}

}  // namespace mainstay::role
