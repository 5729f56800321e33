#include <doctest/doctest.h>

#include "role/vrrp/incoming_facts.hpp"

using namespace mainstay;
using namespace mainstay::role;

namespace {

vrrp::InterfaceFact eth0(std::vector<IpAddress> addresses, bool up = true, std::uint32_t index = 2) {
    return {.name = "eth0", .index = index, .up = up, .addresses = std::move(addresses)};
}

vrrp::InterfaceFact fact_at(const std::vector<vrrp::Fact>& facts, std::size_t position) {
    return std::get<vrrp::InterfaceFact>(facts.at(position));
}

}  // namespace

TEST_CASE("of the addresses of an interface the last list counts, in the place of the first") {
    WaitingFacts facts;
    CHECK_FALSE(facts.has_interfaces());
    facts.add(eth0({}));
    facts.add(vrrp::AddressLost{"eth0", Prefix::parse("10.0.0.1/24").value()});
    facts.add(eth0({IpAddress::parse("10.0.0.1").value()}));
    CHECK(facts.has_interfaces());

    const auto all = facts.take();
    REQUIRE(all.size() == 2);
    CHECK(fact_at(all, 0) == eth0({IpAddress::parse("10.0.0.1").value()}));
    CHECK(std::holds_alternative<vrrp::AddressLost>(all[1]));
    CHECK(facts.empty());
}

TEST_CASE("each fact of an interface that goes down, comes back or is replaced is kept") {
    WaitingFacts facts;
    facts.add(eth0({}));
    facts.add(eth0({}, false));
    facts.add(eth0({}));
    facts.add(eth0({}, true, 3));

    const auto all = facts.take();
    REQUIRE(all.size() == 4);
    CHECK_FALSE(fact_at(all, 1).up);
    CHECK(fact_at(all, 3).index == 3);
}

TEST_CASE("a fact of an interface that was gone meanwhile is kept beside the one before") {
    WaitingFacts facts;
    facts.add(eth0({}));
    auto back = eth0({});
    back.appearance = 1;
    facts.add(back);
    CHECK(facts.take().size() == 2);
}
