#include "role/supervisor/limits.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;

namespace {

constexpr std::uint64_t kMegabyte = 1ULL << 20;
// As measured: the encoded configuration, and the address space that the role took with it.
constexpr std::uint64_t k4000Instances = 1'096'555, k20000Servers = 4'365'165;

}  // namespace

TEST_CASE("the limits leave much room for the largest configurations that are measured") {
    CHECK(limits_of(Kind::Vrrp, k4000Instances).address_space > 5 * 181 * kMegabyte);
    CHECK(limits_of(Kind::Vrrp, k4000Instances).descriptors > 4000 * 6);  // sockets of as many VMACs
    CHECK(limits_of(Kind::Lvs, k20000Servers).address_space > 10 * 163 * kMegabyte);
    CHECK(limits_of(Kind::Lvs, k20000Servers).descriptors > 4096 + 64);  // checks at a time, and the others
    CHECK(limits_of(Kind::Observer, k20000Servers).address_space > 5 * 570 * kMegabyte);
    CHECK(reader_limits().address_space > 100 * 25 * kMegabyte);
}

TEST_CASE("every process has limits, and those of a larger configuration are no smaller") {
    for (const Kind kind : kRoleKinds) {
        CAPTURE(static_cast<int>(kind));
        const auto least = limits_of(kind, 0), more = limits_of(kind, 100 * kMegabyte);
        CHECK(least.descriptors >= 256);
        CHECK(least.address_space >= 1024 * kMegabyte);
        CHECK(more.descriptors >= least.descriptors);
        CHECK(more.address_space > least.address_space);
    }
    CHECK(watcher_limits().descriptors >= 4096);
    CHECK(limits_of(Kind::Observer, 0).file_size == 1024 * kMegabyte);
}
