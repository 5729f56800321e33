#include "mainstay/kernel/capabilities.hpp"

#include <doctest/doctest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "../needs.hpp"

using namespace mainstay;

namespace {

bool misses(const char* name) {
    return std::ranges::count(kernel::missing_capabilities(), name, &kernel::Capability::name) != 0;
}

constexpr mainstay::test::Needs kNeedsCapKill{"needs CAP_KILL", [] { return !misses("CAP_KILL"); }};

}  // namespace

TEST_CASE("a capability that was taken from the bounding set is missing, with what it is needed for" *
          mainstay::test::kNeedsRoot * kNeedsCapKill) {
    const int child = ::fork();
    if (child == 0) {
        ::prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0);
        const auto missing = kernel::missing_capabilities();
        const auto found = std::ranges::find(missing, "CAP_KILL", &kernel::Capability::name);
        ::_exit(found != missing.end() && found->purpose == "end a role that hangs" && !misses("CAP_NET_ADMIN") ? 0
                                                                                                                : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK_FALSE(misses("CAP_KILL"));
}
