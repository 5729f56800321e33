// Addresses that are announced, in a network namespace of the test's own.
#include "mainstay/kernel/announced_addresses.hpp"
#include "../needs.hpp"

#include <doctest/doctest.h>

#include "mainstay/kernel/sysctl.hpp"
#include "own_network.hpp"
#include "refused_calls.hpp"

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

TEST_CASE("where new interfaces have IPv6 off, the one that is made has it, and announces IPv6 addresses" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        REQUIRE(kernel::write_sysctl("net/ipv6/conf/default/disable_ipv6", "1"));
        auto table = kernel::AnnouncedAddresses::open();
        REQUIRE(table);
        // A kernel without dummy interfaces refuses to make one: it is there before that is asked for.
        mainstay::test::before_next(mainstay::test::Call::Sendmsg,
                                    [] { REQUIRE(ip("link add dev ms-vip type veth peer name ms-peer")); });
        auto of_ipv6 = about(AnnounceOperation::Kind::Announce);
        of_ipv6.address = *IpAddress::parse("2001:db8::1");
        const auto refused = table->perform({of_ipv6});
        REQUIRE(refused);
        CHECK(refused->empty());
        CHECK(shows("addr show dev ms-vip", "2001:db8::1/128"));
    });
}
