#include "mainstay/vrrp/filter.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"
#include "mainstay/vrrp/instance.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

config::Instance refusing() {
    auto c = instance();
    set(c.more, "no_accept");
    return c;
}

std::uint32_t index_of(const std::string& name) { return name == "eth0" ? 2 : 3; }

Firewall chosen(const config::Config& config, bool vmacs = false, bool iptables_is_nft = false) {
    return choose_firewall(config, vmacs, iptables_is_nft).kind;
}

}  // namespace

TEST_CASE("packets are refused with no_accept and in strict mode, but never by the owner of the addresses") {
    // effect: vrrp_instance: accept no_accept
    auto strict = instance(), owner = refusing(), accepting = instance();
    strict.strict = true;
    owner.priority = 255;
    set(accepting.more, "accept");

    CHECK(refuses_packets(refusing()));
    CHECK(refuses_packets(strict));
    CHECK_FALSE(refuses_packets(owner));
    CHECK_FALSE(refuses_packets(accepting));
    accepting.strict = true;
    CHECK(refuses_packets(accepting));  // RFC 3768 has no Accept_Mode
    accepting.version = 3;
    CHECK_FALSE(refuses_packets(accepting));
    set(accepting.more, "no_accept");
    CHECK(refuses_packets(accepting));
    CHECK_FALSE(refuses_packets(instance()));
}

TEST_CASE("the firewall is nftables, unless iptables is asked for alone and is not nftables itself") {
    const auto plain = with({refusing()});
    auto iptables = plain, both = plain;
    set(iptables.global.more, "vrrp_iptables", config::WordList{});
    set(both.global.more, "vrrp_iptables", config::WordList{});
    set(both.global.more, "nftables", config::WordList{});

    CHECK(chosen(with({instance()})) == Firewall::None);
    CHECK(chosen(with({instance()}), true) == Firewall::Nftables);
    CHECK(chosen(plain) == Firewall::Nftables);
    CHECK(chosen(iptables) == Firewall::Iptables);
    CHECK(chosen(iptables, false, true) == Firewall::Nftables);
    CHECK(chosen(both) == Firewall::Nftables);
    CHECK(choose_firewall(both, false, false).lines.size() == 1);
    CHECK(choose_firewall(iptables, false, true).lines.size() == 1);
    CHECK(choose_firewall(iptables, false, false).lines.empty());
}

TEST_CASE("the rules are for the addresses that are held, link-local ones on their interface alone") {
    auto c = refusing();
    c.addresses = {vip("10.9.9.9/32"), vip("fe80::1/128"), vip("2001:db8::1/64")};
    const std::vector<HeldAddress> held{{"eth0", *Prefix::parse("10.9.9.9/32")},
                                        {"eth1", *Prefix::parse("fe80::1/128")},
                                        {"eth0", *Prefix::parse("2001:db8::1/64")}};

    const auto plan = plan_filters(with({c}), held, {}, index_of);

    CHECK(plan.v4.filters);
    CHECK_FALSE(plan.v4.reports);
    CHECK(plan.v4.addresses == std::set{ip("10.9.9.9")});
    CHECK(plan.v6.filters);
    CHECK(plan.v6.addresses == std::set{ip("2001:db8::1")});
    CHECK(plan.v6.on_link == std::set{netlink::VipFilter::OnLink{ip("fe80::1"), 3, "eth1"}});
    CHECK(plan_filters(with({instance()}), held, {}, index_of).v4.empty());
}

TEST_CASE("reports of VMACs leave from their parents; with disable_local_igmp there are none over IPv4") {
    const std::vector<IndexedDevice> vmacs{{7, 2, Family::V4}, {8, 2, Family::V6, "vrrp.51", ip("fe80::2")}};
    auto config = with({instance()});

    const auto plan = plan_filters(config, {}, vmacs, index_of);
    CHECK(plan.v4.reports);
    CHECK(plan.v4.vmacs == std::map<std::uint32_t, std::uint32_t>{{7, 2}});
    CHECK(plan.v6.vmacs == std::map<std::uint32_t, std::uint32_t>{{8, 2}});
    CHECK(plan.v6.parent_link_local == std::set{netlink::VipFilter::OnLink{ip("fe80::2"), 8, "vrrp.51"}});
    CHECK_FALSE(plan.v4.filters);

    set(config.global.more, "disable_local_igmp");
    CHECK(plan_filters(config, {}, vmacs, index_of).v4.empty());
    CHECK_FALSE(plan_filters(config, {}, vmacs, index_of).v6.empty());
}

TEST_CASE("name, priority, counters and the way to name interfaces come from global_defs") {
    auto config = with({refusing()});
    set(config.global.more, "nftables", config::WordList{"director"});
    set(config.global.more, "nftables_priority", std::int64_t{5});
    set(config.global.more, "nftables_counters");
    set(config.global.more, "nftables_ifindex");

    const auto filter = plan_filters(config, {}, {}, index_of).v4;

    CHECK(filter.table == "director");
    CHECK(filter.priority == 5);
    CHECK(filter.counters);
    CHECK(filter.by_index);
    const auto usual = plan_filters(with({refusing()}), {}, {}, index_of).v4;
    CHECK(usual.table == "keepalived");
    CHECK(usual.priority == -1);
    CHECK_FALSE(usual.counters);
    CHECK_FALSE(usual.by_index);
}
