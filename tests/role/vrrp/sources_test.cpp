// Whether this host has the addresses from which its unicast instances send.
#include "../../needs.hpp"
#include "role/vrrp/incoming_facts.hpp"

#include "office.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using mainstay::test::in_own_network;

namespace {

const std::string kUnicast = "unicast_src_ip 10.0.0.7\nunicast_peer {\n10.0.0.2\n}";

Texts texts(const std::vector<vrrp::SourceFact>& facts) {
    Texts all;
    for (const auto& fact : facts) all.push_back(fact.address.to_string() + (fact.here ? " here" : " missing"));
    return all;
}

}  // namespace

TEST_CASE("a source is looked for until it is there, each change is one fact, and its loss is none" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        const Cable cable;
        VrrpSources sources;
        const auto config = Office::written(instance(kUnicast) + instance(kUnicast, "10.0.0.200", "VI_2", 52));
        CHECK(texts(sources.look(config)) == Texts{"10.0.0.7 missing"});
        CHECK(sources.look(config).empty());
        REQUIRE(ip("addr add 10.0.0.7/24 dev eth0"));
        CHECK(texts(sources.look(config)) == Texts{"10.0.0.7 here"});
        REQUIRE(ip("addr del 10.0.0.7/24 dev eth0"));
        CHECK(sources.look(config).empty());
        CHECK(texts(sources.look_anew(config)) == Texts{"10.0.0.7 missing"});
        REQUIRE(ip("addr add 10.0.0.7/24 dev eth0"));
        CHECK(texts(sources.look(config)) == Texts{"10.0.0.7 here"});
        REQUIRE(ip("addr del 10.0.0.7/24 dev eth0"));
        CHECK(sources.look(Office::written(instance())).empty());
        CHECK(texts(sources.look(config)) == Texts{"10.0.0.7 missing"});
    });
}

TEST_CASE("a multicast instance's source is not looked for, nor one that is not given" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        const Cable cable;
        VrrpSources sources;
        CHECK(sources.look(Office::written(instance("mcast_src_ip 10.0.0.7"))).empty());
        CHECK(sources.look(Office::written(instance("unicast_peer {\n10.0.0.2\n}"))).empty());
    });
}

TEST_CASE("a link-local source is looked for on the interface of each instance that has it" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        const Cable cable;
        const std::string unicast = "unicast_src_ip fe80::7\nunicast_peer {\nfe80::2\n}";
        auto second = instance(unicast, "2001:db8::2/128", "VI_2", 52);
        second.replace(second.find("eth0"), 4, "eth1");
        const auto config = Office::written(instance(unicast, "2001:db8::1/128") + second);
        REQUIRE(ip("addr add fe80::7/64 dev eth1 nodad"));
        VrrpSources sources;
        const auto facts = sources.look(config);
        CHECK(texts(facts) == Texts{"fe80::7 missing", "fe80::7 here"});
        REQUIRE(facts.size() == 2);
        CHECK(facts[0].device == "eth0");
        CHECK(facts[1].device == "eth1");
    });
}
