#include "../../kept_log.hpp"
#include "role/vrrp/takeover.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;
using mainstay::test::SilentLog;

namespace {

constexpr Instant t0{1'000s};

config::Config one_backup() {
    config::Config c;
    auto& instance = c.instances.emplace_back();
    instance.name = "A";
    instance.interface = "eth0";
    instance.virtual_router_id = 51;
    instance.priority = 100;
    instance.addresses.emplace_back().prefix = Prefix::parse("10.0.0.100/32").value();
    return c;
}

// A backup on an interface that this host has not: nothing is sent.
struct Backup {
    Backup() {
        (void)router.step(
            vrrp::InterfaceFact{
                .name = "eth0", .index = 2'000'000, .up = true, .addresses = {IpAddress::parse("10.0.0.1").value()}},
            t0);
        (void)router.start(t0);
    }
    vrrp::State state() const { return router.router().snapshot().instances.at(0).state; }

    boost::asio::io_context loop;
    SilentLog log;
    Links links;
    VrrpTransport transport{loop, log, [] {}};
    Announcer announcer{loop, transport, links, log, [] { return t0; }};
    TakeOver addresses{loop, links, announcer, log};
    kernel::Rtnetlink netlink{kernel::Rtnetlink::open().value()};
    record::RecordedRouter router{vrrp::Router{one_backup()}, nullptr};
    PrecomputedTakeover precomputed{addresses, transport, links};
};

}  // namespace

TEST_CASE("the takeover of a backup is computed before its deadline and taken once at it") {
    Backup b;
    const auto deadline = b.router.router().deadline();
    b.precomputed.compute(b.router.router(), b.netlink);
    CHECK(b.state() == vrrp::State::Backup);
    const auto step = b.precomputed.take(b.router);
    REQUIRE(step.has_value());
    CHECK(step->at == deadline);
    CHECK(std::ranges::any_of(step->intents,
                              [](const auto& intent) { return std::holds_alternative<vrrp::AddAddresses>(intent); }));
    CHECK(b.state() == vrrp::State::Master);
    CHECK_FALSE(b.precomputed.take(b.router).has_value());
}

TEST_CASE("a takeover that another fact has made void is not taken") {
    Backup b;
    b.precomputed.compute(b.router.router(), b.netlink);
    b.precomputed.forget();
    CHECK_FALSE(b.precomputed.take(b.router).has_value());
    CHECK(b.state() == vrrp::State::Backup);
}

TEST_CASE("a master has no takeover to compute") {
    Backup b;
    (void)b.router.step(vrrp::DeadlineReached{}, *b.router.router().deadline());
    REQUIRE(b.state() == vrrp::State::Master);
    b.precomputed.compute(b.router.router(), b.netlink);
    CHECK_FALSE(b.precomputed.take(b.router).has_value());
}
