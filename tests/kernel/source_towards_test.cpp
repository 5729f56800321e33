// From which address this host would send, in a network namespace of the test's own.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../addr.hpp"
#include "../needs.hpp"
#include "mainstay/kernel/local_address.hpp"
#include "own_network.hpp"

using namespace mainstay;
using mainstay::test::addr;
using mainstay::test::in_own_network;
using mainstay::test::ip;

namespace {

// The source towards the target, or why there is none. `unfit`: an address that shall not be it.
std::string source(const char* target, const std::vector<const char*>& unfit = {}) {
    const auto found = kernel::source_towards(addr(target), [&](const IpAddress& own) {
        return std::ranges::any_of(unfit, [&own](const char* one) { return own == addr(one); });
    });
    return found ? found->to_string() : found.error().text();
}

}  // namespace

TEST_CASE("the source is the one of the route, unless that is unfit: then another one of its interface" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        mainstay::test::join_two_interfaces();
        for (const char* address : {"10.0.1.1/24", "10.0.0.1/24", "10.0.0.2/32"})
            REQUIRE(ip(std::string{"addr add "} + address + " dev eth0"));
        REQUIRE(ip("addr add 10.0.0.9/24 dev eth1"));
        REQUIRE(ip("route add 10.7.0.0/16 dev eth0 src 10.0.0.2"));
        CHECK(source("10.0.1.7") == "10.0.1.1");
        CHECK(source("10.7.0.1") == "10.0.0.2");
        CHECK(source("10.0.0.7") == "10.0.0.1");
        CHECK(source("10.0.0.7", {"10.0.0.1"}) == "10.0.1.1");  // none of that subnet is left on its interface
        CHECK(source("10.7.0.1", {"10.0.0.2"}) == "10.0.1.1");
        CHECK(source("10.0.1.7", {"10.0.1.1"}) == "10.0.0.1");
        CHECK(source("10.0.0.7", {"10.0.0.1", "10.0.0.2", "10.0.1.1"}) ==
              "eth0 has no other address than those of services");
        CHECK(source("192.0.2.1").ends_with("Network is unreachable"));
    });
}

TEST_CASE("an IPv6 source of the target's subnet comes first, and a link-local one is for such targets alone" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        mainstay::test::join_two_interfaces();
        for (const char* address : {"2001:db8:1::5/64", "2001:db8::5/64", "2001:db8::83/128"})
            REQUIRE(ip(std::string{"addr add "} + address + " dev eth0 nodad"));
        const auto first = source("2001:db8::11");
        REQUIRE((first == "2001:db8::5" || first == "2001:db8::83"));
        CHECK(source("2001:db8::11", {"2001:db8::83"}) == "2001:db8::5");
        CHECK(source("2001:db8::11", {"2001:db8::83", "2001:db8::5"}) == "2001:db8:1::5");
        CHECK(source("2001:db8::11", {"2001:db8::83", "2001:db8::5", "2001:db8:1::5"}) ==
              "eth0 has no other address than those of services");
    });
}
