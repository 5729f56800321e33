// What the supervisor reports to the observer of its processes and of reloads, and what it relays for metrics.
#include <unistd.h>

#include "impl.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {
namespace {

constexpr std::size_t kProblemBytesMax = 1'000;  // of a message; the log has the whole text

const char* word_of(Kind kind) {
    switch (kind) {
        case Kind::Vrrp:
            return "vrrp";
        case Kind::Lvs:
            return "lvs";
        case Kind::Observer:
            return "observer";
        case Kind::Bfd:
            return "bfd";
        case Kind::Snmp:
            return "snmp";
        case Kind::Supervisor:
            break;
    }
    return "supervisor";
}

}  // namespace

void Supervisor::report_supervision() {
    auto& observer = child_of(Kind::Observer);
    // While an upgrade replaces the roles, the observer may still be one of the version before.
    if (!observer.alive() || !observer.ready || replacement_ || phase_ == Phase::Stopping) return;
    ipc::SupervisionReport report{supervision_};
    for (const Kind kind : kRoleKinds) {
        const auto& child = child_of(kind);
        if (current_.part(kind).needed)
            report.now.processes.push_back({word_of(kind), child.ready, child.ends, child.last_end});
    }
    report.now.log_losses = log_losses_.all();
    observer.send(report, -1, log_);
}

void Supervisor::on_heartbeat(const Child& child, const ipc::Heartbeat& beat) {
    log_losses_.heard(word_of(child.kind), child.pid, beat.log_lines_lost, kernel::wall_now());
}

// Once a second, however often somebody loses a line.
void Supervisor::report_log_losses() {
    if (options_.log_lines_lost)
        log_losses_.heard(word_of(Kind::Supervisor), ::getpid(), options_.log_lines_lost(), kernel::wall_now());
    if (log_losses_.take_changed()) report_supervision();
}

// The reader, which wrote the lines, is not trusted with their number and length.
void Supervisor::log_changes(const ipc::DryRunDone& changes) {
    constexpr std::size_t kLineBytesMax = 500;
    auto& kept = supervision_.reloads.last_changes;
    kept.clear();
    for (const auto& line : changes.lines) {
        if (kept.size() == ipc::kReloadLinesMax) break;
        log_.info("Reload: {}", kept.emplace_back(one_line(line, kLineBytesMax)));
    }
    supervision_.reloads.last_changes_left_out = changes.lines_left_out;
    if (changes.lines_left_out != 0)
        log_.info("Reload: {} more changes (at most {} are logged)", changes.lines_left_out, ipc::kReloadLinesMax);
    if (kept.empty()) log_.info("Reload: nothing changed");
}

void Supervisor::count_reload(const std::string& problem) {
    auto& reloads = supervision_.reloads;
    ++(problem.empty() ? reloads.done : reloads.refused);
    (problem.empty() ? reloads.last_done : reloads.last_refused) = kernel::wall_now();
    if (!problem.empty()) reloads.last_problem = problem.substr(0, kProblemBytesMax);
}

void Supervisor::upgrade_refused(const std::string& problem) {
    supervision_.upgrade_refused = {kernel::wall_now(), problem.substr(0, kProblemBytesMax)};
    report_supervision();
}

void Supervisor::relay_read_traffic() {
    auto& lvs = child_of(Kind::Lvs);
    // A role of the version before does not know the message.
    if (lvs.alive() && lvs.ready && !replacement_) lvs.send(ipc::ReadTraffic{}, -1, log_);
}

}  // namespace mainstay::role
