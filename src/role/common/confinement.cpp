#include "confinement.hpp"

namespace mainstay::role {

bool confine(std::span<const kernel::CallSet> calls, Log& log) {
    const auto restricted = kernel::restrict_system_calls(calls);
    if (restricted) return true;
    // A kernel or a build without it is the operator's choice; a filter that fails to load is not.
    if (restricted.error().code() == Errc::Unsupported) {
        log.warning("system calls are not restricted: {}", restricted.error().text());
        return true;
    }
    log.error("cannot restrict system calls: {}", restricted.error().text());
    return false;
}

}  // namespace mainstay::role
