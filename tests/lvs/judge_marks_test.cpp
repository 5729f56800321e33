// nftables_ipvs: which groups are one service of the kernel for a mark, which mark that is, and how long it stays.
#include <doctest/doctest.h>

#include "judge_harness.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

config::VirtualServer named_group(std::string name, std::vector<config::GroupEntry> entries) {
    auto one = grouped({server("10.1.0.1")}, std::move(entries));
    one.group = std::move(name);
    return one;
}
config::VirtualServer named_group(std::string name) {
    return named_group(std::move(name), {range("10.0.0.1", "10.0.0.2")});
}

config::VirtualServer marked(std::uint32_t number) {
    auto one = service({server("10.1.0.1")});
    one.endpoint = {};
    one.fwmark = number;
    return one;
}

config::Config mapped(std::vector<config::VirtualServer> services, config::KeywordValues more = {}) {
    config::Config config;
    config.virtual_servers = std::move(services);
    more.push_back({"nftables_ipvs", config::WordList{}});
    config.global.more.edit().values = std::move(more);
    return config;
}

Lines in_kernel(const Judge& judge) {
    Lines out;
    for (const auto& entry : judge.desired()) out.push_back(netlink::describe(entry.service.key));
    return out;
}
Lines after_start(config::Config config, const Memory& memory = {}) {
    Bench bench;
    bench.start(std::move(config), memory);
    return in_kernel(bench.judge);
}

}  // namespace

TEST_CASE("a group of addresses is one service for a mark in each of its families, from 1000 on") {
    auto config = mapped(
        {named_group("a", {range("10.0.0.1", "10.0.0.2"), range("fd00::1", "fd00::2"), range("10.0.0.5", "10.0.0.5")}),
         named_group("b"), service({server("10.1.0.1")}, "10.0.0.9")});
    CHECK(after_start(config) == Lines{"FWM 1000", "FWM 1001 IPv6", "FWM 1002", "TCP 10.0.0.9:80"});
    config.global.more.edit().values.clear();
    config.virtual_servers.erase(config.virtual_servers.begin());
    CHECK(after_start(config) == Lines{"TCP 10.0.0.1:80", "TCP 10.0.0.2:80", "TCP 10.0.0.9:80"});
}

TEST_CASE("a group with a mark of its own stays what it is, whatever else is in it") {
    CHECK(after_start(mapped({named_group("a", {range("10.0.0.1", "10.0.0.1"), mark(7)})})) ==
          Lines{"TCP 10.0.0.1:80", "FWM 7"});
}

TEST_CASE("marks that services and groups have themselves are given to nobody") {
    CHECK(after_start(mapped({named_group("a"), marked(1000), named_group("b", {mark(1001)})})) ==
          Lines{"FWM 1002", "FWM 1000", "FWM 1001"});
}

TEST_CASE("marks begin where the configuration says, and 0 is none") {
    CHECK(after_start(mapped({named_group("a")}, {{"nftables_ipvs_start_fwmark", std::int64_t{500}}})) ==
          Lines{"FWM 500"});
    CHECK(after_start(mapped({named_group("a"), named_group("b")},
                             {{"nftables_ipvs_start_fwmark", std::int64_t{4294967295}}})) ==
          Lines{"FWM 4294967295", "FWM 1"});
}

TEST_CASE("a group keeps its mark over reloads, until a service has it") {
    Bench bench;
    const auto after = [&bench](std::vector<config::VirtualServer> services) {
        static_cast<void>(bench.judge.reload(mapped(std::move(services)), bench.now()));
        return in_kernel(bench.judge);
    };
    bench.start(mapped({named_group("a"), named_group("b"), named_group("c")}));
    CHECK(in_kernel(bench.judge) == Lines{"FWM 1000", "FWM 1001", "FWM 1002"});
    CHECK(after({named_group("c"), named_group("b")}) == Lines{"FWM 1002", "FWM 1001"});
    CHECK(after({named_group("d"), named_group("c"), named_group("b")}) == Lines{"FWM 1000", "FWM 1002", "FWM 1001"});
    CHECK(after({named_group("c"), named_group("b"), marked(1001)}) == Lines{"FWM 1002", "FWM 1000", "FWM 1001"});
}

TEST_CASE("a new incarnation gives each group the mark that it had") {
    netlink::IpvsServiceKey had;
    had.fwmark = 1234;
    const auto memory_of = [](const config::VirtualServer& service, std::vector<netlink::IpvsServiceKey> keys) {
        return Memory{{.identity = identity_of(service), .keys = std::move(keys), .servers = {}, .leaving = {}}};
    };
    CHECK(after_start(mapped({named_group("a"), named_group("b")}), memory_of(named_group("b"), {had})) ==
          Lines{"FWM 1000", "FWM 1234"});
    // It was addresses and a mark once.
    CHECK(after_start(mapped({named_group("b")}), memory_of(named_group("b"), {tcp_key("10.0.0.1"), had})) ==
          Lines{"FWM 1234"});
    CHECK(after_start(mapped({named_group("b")}), memory_of(named_group("b"), {tcp_key("10.0.0.1")})) ==
          Lines{"FWM 1000"});
}

TEST_CASE("the table of marks has a rule for each range of a mapped group, and there is none unless asked for") {
    Bench bench;
    bench.start(service({server("10.1.0.1")}));
    CHECK_FALSE(bench.judge.mark_table());

    auto udp = named_group("b", {range("10.0.0.5", "10.0.0.5", 53), range("fd00::1", "fd00::2", 0)});
    udp.protocol = config::Protocol::Udp;
    static_cast<void>(bench.judge.reload(
        mapped({named_group("a"), service({server("10.1.0.1")}, "10.0.0.9"), udp, named_group("c", {mark(7)})}),
        bench.now()));
    CHECK(bench.judge.mark_table() == netlink::MarkTable{.name = "keepalived_ipvs",
                                                         .priority = -1,
                                                         .counters = false,
                                                         .rules = {{6, ip("10.0.0.1"), ip("10.0.0.2"), 80, 1000},
                                                                   {17, ip("10.0.0.5"), ip("10.0.0.5"), 53, 1001},
                                                                   {17, ip("fd00::1"), ip("fd00::2"), 0, 1002}}});
}

TEST_CASE("the table of marks has the name, the priority and the counters that are configured") {
    const auto table_of = [](config::KeywordValues values) {
        config::Config config;
        config.global.more.edit().values = std::move(values);
        Bench bench;
        bench.start(std::move(config));
        return bench.judge.mark_table();
    };
    CHECK(table_of({{"nftables_ipvs", config::WordList{"marks"}},
                    {"nftables_ipvs_priority", std::int64_t{-150}},
                    {"nftables_counters", true}}) ==
          netlink::MarkTable{.name = "marks", .priority = -150, .counters = true, .rules = {}});
    CHECK(table_of({{"nftables_ipvs", config::WordList{""}}})->name == "keepalived_ipvs");
    CHECK(table_of({{"nftables_ipvs", config::WordList{}}})->name == "keepalived_ipvs");
}

TEST_CASE("a change of a mapped group, or one that changes its addresses, is none that a judge takes alone") {
    const auto takes = [](const config::Config& config, config::VirtualServer after) {
        Bench bench;
        bench.start(config);
        return bench.judge.accept({{0, config.virtual_servers.at(0), std::move(after)}}).has_value();
    };
    auto heavier = named_group("a");
    heavier.real_servers[0].weight = 9;
    auto longer = named_group("a", {range("10.0.0.1", "10.0.0.3")});
    auto with_mark = named_group("a", {range("10.0.0.1", "10.0.0.2"), mark(7)});
    config::Config plain;
    plain.virtual_servers = {named_group("a")};
    CHECK(takes(plain, heavier));
    CHECK_FALSE(takes(plain, longer));
    CHECK_FALSE(takes(mapped({named_group("a")}), heavier));
    CHECK_FALSE(takes(mapped({named_group("a")}), with_mark));
    CHECK_FALSE(takes(mapped({with_mark}), named_group("a")));
}
