#include "mainstay/vrrp/filter.hpp"

#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

FilterState state(bool sets) {
    FilterState s;
    s.names.sets = sets;
    s.plan.v6.family = Family::V6;
    return s;
}

Lines calls_of(const std::vector<FilterCall>& calls) {
    Lines lines;
    for (const auto& call : calls) lines.push_back(fmt::format("{}", fmt::join(call, " ")));
    return lines;
}

}  // namespace

TEST_CASE("without sets each address has a rule in either chain") {
    auto to = state(false);
    to.plan.v4.filters = true;
    to.plan.v4.addresses = {ip("10.9.9.9"), ip("10.9.9.10")};
    CHECK(calls_of(filter_calls(nullptr, to)) == Lines{"addresses add iptables INPUT -d 10.9.9.10 10.9.9.9",
                                                       "addresses add iptables OUTPUT -s 10.9.9.10 10.9.9.9"});

    auto fewer = to;
    fewer.plan.v4.addresses = {ip("10.9.9.9")};
    CHECK(calls_of(filter_calls(&to, fewer)) ==
          Lines{"addresses del iptables INPUT -d 10.9.9.10", "addresses del iptables OUTPUT -s 10.9.9.10"});
    CHECK(filter_calls(&to, to).empty());
}

TEST_CASE("without sets neighbour discovery stays above the rules of IPv6 addresses") {
    auto to = state(false);
    to.plan.v6.filters = true;
    to.plan.v6.addresses = {ip("2001:db8::9")};
    to.plan.v6.on_link = {{ip("fe80::9"), 2, "eth0"}};
    const Lines discovery{"rule add ip6tables OUTPUT -p icmpv6 --icmpv6-type 136 -j ACCEPT",
                          "rule add ip6tables OUTPUT -p icmpv6 --icmpv6-type 135 -j ACCEPT",
                          "rule add ip6tables INPUT -p icmpv6 --icmpv6-type 136 -j ACCEPT",
                          "rule add ip6tables INPUT -p icmpv6 --icmpv6-type 135 -j ACCEPT"};
    auto wanted = Lines{"addresses add ip6tables INPUT -d 2001:db8::9", "addresses add ip6tables OUTPUT -s 2001:db8::9",
                        "rule add ip6tables OUTPUT -s fe80::9 -o eth0 -j DROP",
                        "rule add ip6tables INPUT -d fe80::9 -i eth0 -j DROP"};
    wanted.insert(wanted.end(), discovery.begin(), discovery.end());
    CHECK(calls_of(filter_calls(nullptr, to)) == wanted);

    auto more = to;
    more.plan.v6.addresses.insert(ip("2001:db8::10"));
    wanted = {"addresses add ip6tables INPUT -d 2001:db8::10", "addresses add ip6tables OUTPUT -s 2001:db8::10"};
    wanted.insert(wanted.end(), discovery.begin(), discovery.end());
    CHECK(calls_of(filter_calls(&to, more)) == wanted);
}

TEST_CASE("with sets there are a few rules, and addresses come and go as entries") {
    // effect: global_defs: vrrp_ipsets
    auto to = state(true);
    to.plan.v4.filters = true;
    to.plan.v4.addresses = {ip("10.9.9.9")};
    const Lines made{"set keepalived hash:ip inet", "entries add keepalived 10.9.9.9",
                     "rule add iptables OUTPUT -m set --match-set keepalived src -j DROP",
                     "rule add iptables INPUT -m set --match-set keepalived dst -j DROP"};
    CHECK(calls_of(filter_calls(nullptr, to)) == made);

    auto other = to;
    other.plan.v4.addresses = {ip("10.9.9.10")};
    CHECK(calls_of(filter_calls(&to, other)) ==
          Lines{"entries del keepalived 10.9.9.9", "entries add keepalived 10.9.9.10"});
    CHECK(calls_of(filter_calls(&to, state(true))) ==
          Lines{"rule del iptables INPUT -m set --match-set keepalived dst -j DROP",
                "rule del iptables OUTPUT -m set --match-set keepalived src -j DROP", "unset keepalived"});
}

TEST_CASE("IGMP of a VMAC is dropped") {
    auto to = state(false);
    to.plan.v4.reports = true;
    to.plan.v4.vmacs = {{7, 2}};
    to.devices = {{7, "vrrp.51"}};
    CHECK(calls_of(filter_calls(nullptr, to)) == Lines{"rule add iptables OUTPUT -p igmp -o vrrp.51 -j DROP"});

    to.names.sets = true;
    CHECK(calls_of(filter_calls(nullptr, to)) ==
          Lines{"set keepalived_igmp hash:net,iface inet", "entries add keepalived_igmp 224.0.0.0/4,vrrp.51",
                "rule add iptables OUTPUT -p igmp -m set --match-set keepalived_igmp dst,dst -j DROP"});
}

TEST_CASE("chains and sets have the names that are configured, and sets are not used where they cannot be") {
    // effect: (root): namespace_with_ipsets
    auto config = with({instance()});
    set(config.global.more, "vrrp_iptables", config::WordList{});
    CHECK(iptables_names(config, {}) == IptablesNames{});

    auto named = with({instance()});
    set(named.global.more, "vrrp_iptables", config::WordList{"vips_in", "vips_out"});
    set(named.global.more, "vrrp_ipsets", config::WordList{"mine", "mine_six"});
    const auto names = iptables_names(named, {});
    CHECK(names.in == "vips_in");
    CHECK(names.out == "vips_out");
    CHECK(names.set4 == "mine");
    CHECK(names.set6 == "mine_six");
    CHECK(names.igmp == "mine_igmp");

    auto bare = config;
    set(bare.global.more, "vrrp_ipsets", config::WordList{});
    CHECK_FALSE(iptables_names(bare, {}).sets);

    auto namespaced = config;
    set(namespaced.more, "net_namespace", config::WordList{"blue"});
    CHECK_FALSE(iptables_names(namespaced, {}).sets);
    CHECK(iptables_names(config, {}).sets);
    CHECK_FALSE(iptables_names(config, "red").sets);
    set(namespaced.more, "namespace_with_ipsets");
    CHECK(iptables_names(namespaced, {}).sets);
}
