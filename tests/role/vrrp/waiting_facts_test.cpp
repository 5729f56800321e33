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

TEST_CASE("facts about the host that follow one another become one, in which no interface is twice") {
    auto eth1 = eth0({}, false, 3);
    eth1.name = "eth1";
    const vrrp::SourceFact source{IpAddress::parse("10.0.0.1").value(), "eth0", false};
    const auto all = gathered({eth0({}, false), source, eth1, eth0({}), vrrp::DeadlineReached{}, eth1});
    REQUIRE(all.size() == 4);
    const auto host = [&](std::size_t position) { return std::get<vrrp::HostFacts>(all.at(position)); };
    CHECK(host(0).interfaces == std::vector{eth0({}, false), eth1});
    REQUIRE(host(0).sources.size() == 1);
    CHECK(host(0).sources[0].device == "eth0");
    CHECK(host(1).interfaces == std::vector{eth0({})});
    CHECK(std::holds_alternative<vrrp::DeadlineReached>(all[2]));
    CHECK(host(3).interfaces == std::vector{eth1});
}

TEST_CASE("several facts in one wait as each of them would") {
    WaitingFacts facts;
    facts.add(eth0({}));
    facts.add(vrrp::HostFacts{.interfaces = {eth0({IpAddress::parse("10.0.0.1").value()})}, .sources = {{}}});
    CHECK(facts.has_interfaces());
    const auto all = facts.take();
    REQUIRE(all.size() == 2);
    CHECK(fact_at(all, 0).addresses.size() == 1);
    CHECK(std::holds_alternative<vrrp::SourceFact>(all[1]));
}
