// What goes from a host whose vrrp process does not run, and when.
#include "../../needs.hpp"
#include "mainstay/role/vrrp/role.hpp"

#include <doctest/doctest.h>

#include "office.hpp"

#include <boost/asio/executor_work_guard.hpp>

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;

namespace {

// Of a host that was master. False: the program does not end by itself.
bool releases(FakeRuntime& runtime, const std::string& text, std::chrono::milliseconds silent) {
    const auto role = make_address_release(runtime, silent);
    const auto others = boost::asio::make_work_guard(runtime.loop());  // the process has more to wait for than its role
    REQUIRE(role->start(Office::written(text), true));
    runtime.loop().run_for(5s);
    return runtime.loop().stopped();
}

std::string slow(const std::string& more = "", const std::string& addresses = "10.0.0.100", int router = 51) {
    auto text = instance(more, addresses, "VI_" + std::to_string(router), router);
    return text.replace(text.find("advert_int 0.1"), 14, "advert_int 40");
}

}  // namespace

TEST_CASE("virtual addresses go once other routers have waited for three advertisements, others stay" *
          mainstay::test::kNeedsRoot) {
    mainstay::test::in_own_network([] {
        const Cable cable;
        for (const char* command : {"addr add 10.0.0.100/32 dev eth0", "addr add 10.0.0.101/24 brd + dev eth0",
                                    "addr add 10.0.0.102/32 dev eth0", "addr add 10.0.0.103/32 dev eth0"})
            REQUIRE(ip(command));
        FakeRuntime runtime;

        CHECK(releases(
            runtime, slow("", "10.0.0.100\n10.0.0.101/24\n10.0.0.109") + slow("priority 255", "10.0.0.102", 52), 120s));

        CHECK_FALSE(has_address("10.0.0.100/32"));
        CHECK_FALSE(has_address("10.0.0.101/24"));
        CHECK(has_address("10.0.0.1/24"));    // the host's
        CHECK(has_address("10.0.0.102/32"));  // of an owner
        CHECK(has_address("10.0.0.103/32"));  // of others
        CHECK(runtime.log_.has("2 virtual addresses removed"));
    });
}

TEST_CASE("the address of a VMAC goes from it" * mainstay::test::kNeedsRoot) {
    mainstay::test::in_own_network([] {
        const Cable cable;
        for (const char* command :
             {"link add vrrp.51 link eth0 address 00:00:5e:00:01:33 type macvlan mode private", "link set vrrp.51 up",
              "addr add 10.0.0.100/32 dev vrrp.51", "addr add 10.0.0.100/32 dev eth0"})
            REQUIRE(ip(command));
        FakeRuntime runtime;

        CHECK(releases(runtime, slow("use_vmac"), 120s));

        CHECK_FALSE(has_address("10.0.0.100/32", "vrrp.51"));
        CHECK(has_address("10.0.0.100/32"));
    });
}

TEST_CASE("nothing goes before the time of the instance with the shortest interval" * mainstay::test::kNeedsRoot) {
    mainstay::test::in_own_network([] {
        const Cable cable;
        REQUIRE(ip("addr add 10.0.0.100/32 dev eth0"));
        FakeRuntime runtime;
        const auto role = make_address_release(runtime, 100s);  // of 120
        REQUIRE(role->start(Office::written(slow()), true));
        runtime.loop().run_for(300ms);
        CHECK(has_address("10.0.0.100/32"));
        CHECK_FALSE(runtime.loop().stopped());

        FakeRuntime another;
        CHECK(releases(another, slow() + instance("", "10.0.0.101", "VI_2", 52), 0s));  // 0.3 s
        CHECK_FALSE(has_address("10.0.0.100/32"));
    });
}

TEST_CASE("a host that holds none of its addresses is left alone, without a word" * mainstay::test::kNeedsRoot) {
    mainstay::test::in_own_network([] {
        const Cable cable;
        FakeRuntime runtime;
        CHECK(releases(runtime, slow(), 120s));
        CHECK(runtime.log_.texts.empty());
        CHECK(has_address("10.0.0.1/24"));
    });
}
