#include "event_driven_checks.hpp"

#include <fmt/format.h>

#include <cerrno>

#include "mainstay/base/error.hpp"
#include "mainstay/vrrp/trackers.hpp"

namespace mainstay::role {

void EventDrivenChecks::configure(const config::Config& config) {
    rules_.clear();
    for (const auto& file : vrrp::file_trackers(config)) rules_[file.name] = {file.weight, file.reverse};
}

void EventDrivenChecks::add_file(const lvs::Judge& judge, const std::string& name, std::int64_t number,
                                 Results& out) const {
    const auto rule = rules_.find(name);
    if (rule == rules_.end()) return;
    for (const auto id : judge.followers(config::Checker::Type::File, name)) {
        const auto* checker = judge.checker(id);
        const auto place = judge.place(id);
        if (checker == nullptr || !place) continue;
        const auto& server = judge.services()[place->service].real_servers[place->server];
        out.push_back(lvs::file_result(id, server, *checker, rule->second, number));
    }
}

void EventDrivenChecks::add_session(const lvs::Judge& judge, const std::string& name, bool up, Results& out) const {
    for (const auto id : judge.followers(config::Checker::Type::Bfd, name)) out.push_back(lvs::bfd_result(id, up));
}

EventDrivenChecks::Results EventDrivenChecks::results_of(const lvs::Judge& judge, const ipc::Observations& seen) {
    Results out;
    for (const auto& one : seen.list) {
        if (one.kind != ipc::Observation::Kind::File) continue;
        numbers_[one.name] = one.value;
        add_file(judge, one.name, one.value, out);
    }
    return out;
}

EventDrivenChecks::Results EventDrivenChecks::results_of(const lvs::Judge& judge, const ipc::BfdState& session) {
    Results out;
    sessions_[session.name] = session.up;
    add_session(judge, session.name, session.up, out);
    return out;
}

std::vector<lvs::FileNumber> EventDrivenChecks::files() const {
    std::vector<lvs::FileNumber> known;
    for (const auto& [name, number] : numbers_)
        if (const auto rule = rules_.find(name); rule != rules_.end()) known.push_back({name, rule->second, number});
    return known;
}

EventDrivenChecks::Results EventDrivenChecks::all(const lvs::Judge& judge) const {
    Results out;
    for (const auto& [name, number] : numbers_) add_file(judge, name, number, out);
    for (const auto& [name, up] : sessions_) add_session(judge, name, up, out);
    return out;
}

namespace {

constexpr std::int32_t kFirstWeightStatus = 2;  // misc_dynamic: this status stands for weight 0
constexpr std::int32_t kStatusMax = 255;

bool is_shortage(std::int32_t sys_errno) {
    return sys_errno == EAGAIN || sys_errno == ENOMEM || sys_errno == EMFILE || sys_errno == ENFILE;
}

ScriptVerdict exited(std::int32_t status, bool dynamic) {
    using lvs::Outcome;
    if (status == 0) return {Outcome::Passed, "exited with status 0", {}};
    const std::string reason = fmt::format("exited with status {}", status);
    if (dynamic && status >= kFirstWeightStatus && status <= kStatusMax)
        return {Outcome::Passed, reason, status - kFirstWeightStatus};
    return {Outcome::Failed, reason, {}};
}

}  // namespace

ScriptVerdict verdict_of(const ipc::ScriptResult& result, bool dynamic) {
    using How = ipc::ScriptResult::How;
    using lvs::Outcome;
    switch (result.how) {
        case How::Exited:
            return exited(result.status, dynamic);
        case How::Signalled:
            return {Outcome::Failed,
                    fmt::format("ended by signal {}", result.status),
                    {},
                    fmt::format("due to signal {}", result.status)};
        case How::TimedOut:
            return {Outcome::TimedOut, "timed out", {}};
        case How::NotRun:
            break;
    }
    if (is_shortage(result.status)) return {Outcome::NotRun, "too many scripts are running", {}};
    return {Outcome::Failed, "could not be executed", {}};
}

}  // namespace mainstay::role
