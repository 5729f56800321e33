// What the vrrp role knows of links and addresses, and what of a notification is a change.
#include "role/vrrp/links.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;

namespace {

kernel::Address address(const char* text) { return {.interface_index = 2, .prefix = *Prefix::parse(text)}; }

}  // namespace

TEST_CASE("an address whose lifetime alone was renewed is no change, and one that has another flag is") {
    Links links;
    (void)links.take({netlink::LinkChanged{{.index = 2, .name = "ms-vip", .up = true}}});
    auto one = address("192.0.2.1/32");
    CHECK(links.take({netlink::AddressAdded{one}}).interfaces == std::set<std::string>{"ms-vip"});
    CHECK(links.take({netlink::AddressAdded{one}}).empty());

    one.noprefixroute = true;
    CHECK(links.take({netlink::AddressAdded{one}}).interfaces == std::set<std::string>{"ms-vip"});
    CHECK(links.take({netlink::AddressRemoved{one}}).lost.size() == 1);
    CHECK(links.take({netlink::AddressAdded{one}}).interfaces == std::set<std::string>{"ms-vip"});
}
