// What is watched on the host, and which processes a tracker counts.
#include "mainstay/vrrp/watch.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;
using Params = ProcessTracker::Params;

namespace {

ProcessTracker tracker(std::vector<std::string> command, Params params = Params::None) {
    ProcessTracker t;
    t.name = "P";
    t.full_command = params != Params::None;
    t.params = params;
    t.command = std::move(command);
    return t;
}

Lines facts(ProcessTable& table) {
    Lines lines;
    for (const ProcessFact& fact : table.changes()) lines.push_back(fmt::format("{} {}", fact.process, fact.count));
    return lines;
}

}  // namespace

TEST_CASE("comm is compared as a whole, up to its fifteen bytes") {
    // effect: vrrp_track_process: process
    CHECK(matches(tracker({"haproxy"}), {"haproxy", {"/usr/sbin/haproxy", "-f", "x"}}));
    CHECK(matches(tracker({"/usr/sbin/haproxy"}), {"haproxy", {"anything"}}));
    CHECK_FALSE(matches(tracker({"haproxy"}), {"haproxy-wrap", {"haproxy"}}));
    CHECK_FALSE(matches(tracker({"haproxy"}), {"haprox", {"haproxy"}}));
    CHECK(matches(tracker({"a-very-long-program-name"}), {"a-very-long-pro", {}}));
}

TEST_CASE("with full_command argv[0] is compared, and not comm") {
    // effect: vrrp_track_process: full_command
    ProcessTracker full = tracker({"/usr/sbin/haproxy"});
    full.full_command = true;
    CHECK(matches(full, {"other", {"/usr/sbin/haproxy", "-f", "x"}}));
    CHECK_FALSE(matches(full, {"haproxy", {"haproxy", "-f", "x"}}));
    CHECK_FALSE(matches(full, {"haproxy", {}}));
}

TEST_CASE("parameters are compared exactly, as many as are configured, or of the last of them the beginning") {
    // effect: vrrp_track_process: param_match
    struct Row {
        std::vector<std::string> argv;
        bool exact, initial, partial;
    };
    const Row rows[] = {
        {{"p", "-f", "/etc/a"}, true, true, true},
        {{"p", "-f", "/etc/a", "-d"}, false, true, true},
        {{"p", "-f", "/etc/a.conf"}, false, true, false},
        {{"p", "-f", "/etc/a.conf", "-d"}, false, true, false},
        {{"p", "-fx", "/etc/a"}, false, false, false},
        {{"p", "-f"}, false, false, false},
        {{"p"}, false, false, false},
        {{"q", "-f", "/etc/a"}, false, false, false},
    };
    for (const Row& row : rows) {
        INFO(fmt::format("{}", row.argv.size()), " ", row.argv.back());
        CHECK(matches(tracker({"p", "-f", "/etc/a"}, Params::Exact), {"p", row.argv}) == row.exact);
        CHECK(matches(tracker({"p", "-f", "/etc/a"}, Params::Initial), {"p", row.argv}) == row.initial);
        CHECK(matches(tracker({"p", "-f", "/etc/a"}, Params::Partial), {"p", row.argv}) == row.partial);
    }
    CHECK(matches(tracker({"p"}, Params::Exact), {"p", {"p"}}));
    CHECK_FALSE(matches(tracker({"p"}, Params::Exact), {"p", {"p", "-x"}}));
}

TEST_CASE("children of a process that counts count until they execute another program") {
    ProcessTable table{{tracker({"nginx"})}};
    CHECK(facts(table) == Lines{"P 0"});
    table.seen(10, {"nginx", {}});
    CHECK(facts(table) == Lines{"P 1"});
    table.forked(10, 11);
    table.forked(11, 12);
    table.forked(99, 13);
    CHECK(facts(table) == Lines{"P 3"});
    table.seen(12, {"sh", {}});
    CHECK(facts(table) == Lines{"P 2"});
    table.forked(12, 14);
    CHECK(facts(table).empty());
    table.ended(10);
    CHECK(facts(table) == Lines{"P 1"});
    table.replace({{11, {"nginx", {}}}, {20, {"nginx", {}}}, {21, {"sh", {}}}});
    CHECK(facts(table) == Lines{"P 2"});
    table.replace({});
    CHECK(facts(table) == Lines{"P 0"});
}

TEST_CASE("what is polled for its link") {
    // effect: vrrp_instance: linkbeat_use_polling
    // effect: (root): linkbeat_use_polling
    using Method = PolledLink::Method;
    config::Config c = with({instance(), instance(100, "VI_2", 52, "10.9.9.10/32")});
    c.instances[1].interface = "eth1";
    const auto link = [](const char* name, const char* method) {
        config::Section one{"", {}, {{"interface", config::WordList{name}}}, {}};
        if (method != nullptr) one.values.push_back({"method", config::WordList{method}});
        return one;
    };
    CHECK(watch_plan(c).empty());
    c.more.edit().sections = {
        {"linkbeat_interfaces", {}, {}, {link("eth2", nullptr), link("eth3", "MII"), link("eth0", "ETHTOOL")}}};
    CHECK(watch_plan(c).links ==
          std::vector<PolledLink>{{Method::Any, "eth2"}, {Method::Mii, "eth3"}, {Method::Ethtool, "eth0"}});
    c.instances[1].more.edit().values = {{"linkbeat_use_polling", true}};
    CHECK(watch_plan(c).links.back() == PolledLink{Method::Any, "eth1"});
    c.more.edit().sections.clear();
    CHECK(watch_plan(c).links == std::vector<PolledLink>{{Method::Any, "eth1"}});
    c.more.edit().values = {{"linkbeat_use_polling", true}};
    CHECK(watch_plan(c).links == std::vector<PolledLink>{{Method::Any, "eth0"}, {Method::Any, "eth1"}});
}
