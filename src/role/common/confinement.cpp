#include "confinement.hpp"

#include <fmt/format.h>

#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/process_limits.hpp"

namespace mainstay::role {

bool confine(const std::string& user, std::span<const unsigned> capabilities, const kernel::Reach& reach,
             std::span<const kernel::CallSet> calls, Log& log) {
    auto account = kernel::find_account(user);
    const auto dropped = account ? kernel::drop_privileges(*account, capabilities) : Result<void>{error_of(account)};
    if (!dropped) {
        log.error("cannot drop privileges: {}", dropped.error().text());
        return false;
    }
    if (const auto within = kernel::restrict_reach(reach); !within && within.error().code() != Errc::Unsupported) {
        log.error("cannot restrict paths: {}", within.error().text());
        return false;
    }
    const auto restricted = kernel::restrict_system_calls(calls);
    if (restricted) return true;
    // A kernel or a build without seccomp is accepted; a filter that fails to load is not.
    if (restricted.error().code() == Errc::Unsupported) {
        log.warning("system calls are not restricted: {}", restricted.error().text());
        return true;
    }
    log.error("cannot restrict system calls: {}", restricted.error().text());
    return false;
}

int out_of_memory(Log& log) {
    const auto limit = kernel::own_address_space_limit();
    log.error("out of memory{}", limit == 0 ? std::string{} : fmt::format(" (limited to {} MB)", limit >> 20));
    return kExitOutOfMemory;
}

}  // namespace mainstay::role
