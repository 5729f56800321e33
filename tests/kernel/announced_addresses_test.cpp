// Addresses that are announced, in a network namespace of the test's own.
#include "mainstay/kernel/announced_addresses.hpp"
#include "../needs.hpp"

#include <doctest/doctest.h>

#include "own_network.hpp"

using namespace mainstay;
using mainstay::test::in_own_network;
using mainstay::test::ip;

namespace {

using netlink::AnnounceOperation;

AnnounceOperation about(AnnounceOperation::Kind kind) {
    return {.kind = kind, .address = *IpAddress::parse("192.0.2.1"), .interface = "ms-vip"};
}

bool shows(const std::string& what, const std::string& text) { return ip(what + " | grep -q '" + text + "'"); }

}  // namespace

TEST_CASE("an interface that is down is set up, since nobody announces what is on it" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        REQUIRE(ip("link add dev ms-vip type veth peer name ms-peer"));
        auto table = kernel::AnnouncedAddresses::open();
        REQUIRE(table);
        for (const std::string before : {"down from the beginning", "set down later"}) {
            CAPTURE(before);
            CHECK(table->perform({about(AnnounceOperation::Kind::Withdraw)}));
            CHECK_FALSE(shows("link show dev ms-vip", "[<,]UP"));
            const auto refused = table->perform({about(AnnounceOperation::Kind::Announce)});
            REQUIRE(refused);
            CHECK(refused->empty());
            CHECK(shows("link show dev ms-vip", "[<,]UP"));
            REQUIRE(ip("link set ms-vip down"));
        }
    });
}
