// Links and addresses of a network namespace of the test's own, as the lvs role follows them.
#include "role/lvs/links.hpp"
#include "../../needs.hpp"

#include <doctest/doctest.h>

#include "../../kernel/own_network.hpp"
#include "../../kernel/without_rights.hpp"
#include "../../lvs/builders.hpp"
#include "fakes.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using mainstay::test::in_own_network;
using std::chrono_literals::operator""ms;

namespace {

struct LinksBench {
    boost::asio::io_context loop;
    KeptLog log;
    int changed = 0;
    LvsLinks links{loop, log, [this] { ++changed; }};

    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (!holds() && std::chrono::steady_clock::now() < end) {
            loop.restart();
            loop.run_one_for(10ms);
        }
        return holds();
    }
};

std::set<IpAddress> addresses(const std::vector<const char*>& texts) {
    std::set<IpAddress> all;
    for (const char* text : texts) all.insert(*IpAddress::parse(text));
    return all;
}

bool command(const std::string& text) { return mainstay::test::ip(text); }

}  // namespace

TEST_CASE("links are known by their names, and their addresses, from the opening on and as they change" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        LinksBench bench;
        CHECK_FALSE(bench.links.is_open());
        CHECK(bench.links.index_of("lo") == 0);
        REQUIRE(command("link set lo up"));
        bench.links.open({});
        CHECK(bench.links.is_open());
        CHECK(bench.links.index_of("lo") == 1);
        CHECK(bench.links.index_of("eth7") == 0);
        CHECK(bench.links.addresses().contains(*IpAddress::parse("127.0.0.1")));
        CHECK(bench.changed == 0);

        REQUIRE(command("link add eth7 type veth peer name eth8"));
        CHECK(bench.until([&] { return bench.links.index_of("eth7") != 0 && bench.links.index_of("eth8") != 0; }));
        CHECK(bench.links.index_of("eth7") != bench.links.index_of("eth8"));
        const int before = bench.changed;
        CHECK(before > 0);
        REQUIRE(command("addr add 10.7.7.1/24 dev eth7"));
        CHECK(bench.until([&] { return bench.links.addresses().contains(*IpAddress::parse("10.7.7.1")); }));
        CHECK(bench.changed > before);
        REQUIRE(command("addr del 10.7.7.1/24 dev eth7"));
        CHECK(bench.until([&] { return !bench.links.addresses().contains(*IpAddress::parse("10.7.7.1")); }));
        REQUIRE(command("addr add 10.7.7.2/24 dev eth8"));
        CHECK(bench.until([&] { return bench.links.addresses().contains(*IpAddress::parse("10.7.7.2")); }));
        REQUIRE(command("link del eth7"));
        CHECK(bench.until([&] { return bench.links.index_of("eth8") == 0; }));
        CHECK_FALSE(bench.links.addresses().contains(*IpAddress::parse("10.7.7.2")));
        CHECK(bench.log.texts.empty());
    });
}

TEST_CASE("a second opening changes nothing, and links that are closed are not followed" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        LinksBench bench;
        bench.links.open({});
        bench.links.open({});
        CHECK(bench.links.index_of("lo") == 1);
        bench.links.close();
        CHECK_FALSE(bench.links.is_open());
        CHECK(bench.links.index_of("lo") == 0);
        CHECK(bench.links.addresses() == addresses({}));
        REQUIRE(command("link add eth7 type veth peer name eth8"));
        bench.loop.run_for(20ms);
        CHECK(bench.changed == 0);
        bench.links.close();
        bench.links.open({});
        CHECK(bench.links.index_of("eth7") != 0);
        REQUIRE(command("link set eth7 up"));
        CHECK(bench.until([&] { return bench.changed > 0; }));
    });
}

TEST_CASE("only what differs is a change: not the renewed lifetime of an address, nor a mark on a link" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        LinksBench bench;
        REQUIRE(command("link add eth7 type veth peer name eth8"));
        REQUIRE(command("link set eth7 up"));
        REQUIRE(command("addr add 10.7.7.1/24 dev eth7"));
        bench.links.open({});
        const auto changes = [&](const std::string& text) {
            REQUIRE(command(text));  // the kernel has sent its notifications by the time it answers
            bench.changed = 0;
            bench.loop.restart();
            bench.loop.poll();
            return bench.changed > 0;
        };
        CHECK_FALSE(changes("addr change 10.7.7.1/24 dev eth7 valid_lft 1000 preferred_lft 1000"));
        CHECK_FALSE(changes("link set eth7 alias uplink"));
        CHECK(changes("addr add 10.7.7.1/25 dev eth7"));
        CHECK(changes("addr del 10.7.7.1/24 dev eth7"));
        CHECK(bench.links.addresses().contains(*IpAddress::parse("10.7.7.1")));
        CHECK(changes("link set eth8 up"));
        CHECK(changes("link set eth8 down"));
        CHECK(changes("link set eth8 name uplink"));
        CHECK(bench.links.index_of("eth8") == 0);
        CHECK(bench.links.index_of("uplink") != 0);
        CHECK(changes("link del eth7"));
        CHECK(bench.links.addresses().empty());
        CHECK(bench.log.texts.empty());
    });
}

TEST_CASE("links that cannot be opened are named, and opened later" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        LinksBench bench;
        {
            const mainstay::test::WithoutDescriptors none;
            bench.links.open({});
        }
        CHECK_FALSE(bench.links.is_open());
        REQUIRE(bench.log.texts.size() == 1);
        CHECK(bench.log.texts[0].starts_with("links and addresses cannot be monitored: "));
        bench.links.open({});
        CHECK(bench.links.index_of("lo") == 1);
    });
}

TEST_CASE("notifications that were lost are made good by reading everything again" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        LinksBench bench;
        config::Global global;
        global.more.edit().values = {{"lvs_netlink_monitor_rcv_bufs", std::int64_t{2048}}};
        bench.links.open(global);
        REQUIRE(command("link add eth7 type veth peer name eth8"));
        for (int i = 0; i < 60; ++i) {
            REQUIRE(command("link set eth7 up"));
            REQUIRE(command("link set eth7 down"));
        }
        REQUIRE(command("addr add 10.7.7.1/24 dev eth7"));
        CHECK(bench.until([&] { return bench.links.addresses().contains(*IpAddress::parse("10.7.7.1")); }));
        CHECK(bench.log.count("netlink notifications were lost: rereading links and addresses") >= 1);
        CHECK(bench.links.index_of("eth8") != 0);
    });
}
