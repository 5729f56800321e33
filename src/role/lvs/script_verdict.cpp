#include "script_verdict.hpp"

#include <fmt/format.h>

#include <cerrno>

#include "mainstay/base/error.hpp"

namespace mainstay::role {
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
            return {Outcome::Failed, fmt::format("ended by signal {}", result.status), {}};
        case How::TimedOut:
            return {Outcome::TimedOut, "timed out", {}};
        case How::NotRun:
            break;
    }
    if (is_shortage(result.status)) return {Outcome::NotRun, "too many scripts are running", {}};
    return {Outcome::Failed, "could not be executed", {}};
}

}  // namespace mainstay::role
