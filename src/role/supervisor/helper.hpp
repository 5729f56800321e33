// A child of the supervisor that does one job with the supervisor's rights, so that the supervisor never waits for a
// disk.
#pragma once

#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::role {

// In the child, first. It dies with the supervisor: what it has of it (lines to roles, the lock of the pid file) must
// not outlive it. Signals are for the supervisor.
void become_helper(int supervisor);

// In the child, after that. A helper that waits for a disk cannot be killed: lines to roles, sockets and the lock of
// the pid file must not stay open in it. Both are descriptors that it needs, or -1. The log opens its socket again.
void close_all_but(int one, int other = -1);

// In the child, last: ends it with the status that `work` returns, or with 1 if that throws. An exception that left the
// child's function would reach the copy of the supervisor's loop, which would then run a second time.
template <class Work>
[[noreturn]] void end_after(const Work& work) {
    int status = 1;
    try {
        status = work();
    } catch (...) {  // NOLINT(bugprone-empty-catch): the status says it
    }
    ::_exit(status);
}

// The supervisor waits this long for a file of its own; what takes longer is done when its disk answers.
inline constexpr std::chrono::milliseconds kDiskWait{1000};
inline constexpr std::size_t kDiskWorkMax = 16;  // pieces of work that wait for a disk

// What the supervisor writes itself: each piece of work in a helper, in this order, one after the other.
class DiskWork {
public:
    // Neither may use a descriptor that was open before.
    using Work = std::function<Result<void>()>;
    using Opening = std::function<Result<UniqueFd>()>;  // with a descriptor for the supervisor
    // `what`: the file, for the error. Errc::Timeout: the disk has not answered for kDiskWait, or work before this one
    // still waits; the work is done when the disk answers, unless the supervisor ends before.
    [[nodiscard]] Result<void> run(const std::string& what, const Work& work);
    [[nodiscard]] Result<UniqueFd> open(const std::string& what, const Opening& work);

private:
    std::vector<UniqueFd> unanswered_;  // lines to the helpers that still work
};

}  // namespace mainstay::role
