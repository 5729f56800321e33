// Announcing without the role around it: its clock and the readiness of services are the test's.
#include "role/lvs/announcing.hpp"

#include <doctest/doctest.h>

#include "../../lvs/builders.hpp"
#include "fakes.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using lvs::Readiness;
using lvs::test::grouped;
using lvs::test::ip;
using lvs::test::range;
using lvs::test::server;
using lvs::test::service;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

config::VirtualServer announced(config::VirtualServer one) {
    one.more.edit().sections.push_back(
        {.keyword = "announce", .values = {{"on_loss", config::WordList{"hold"}}, {"drain_time", Micros{30'000'000}}}});
    return one;
}
config::VirtualServer announced_web(const std::string& address) {
    return announced(service({server("10.0.0.11")}, address));
}

struct Alone {
    struct Kernel final : AnnounceTable {
        explicit Kernel(Alone& scene) : scene_{scene} {}
        Result<std::vector<netlink::RefusedAnnounce>> perform(const netlink::AnnounceOperations& operations) override {
            if (scene_.breaks) return std::unexpected{*std::exchange(scene_.breaks, std::nullopt)};
            std::vector<netlink::RefusedAnnounce> refused;
            for (std::size_t i = 0; i < operations.size(); ++i) {
                scene_.order.push_back(netlink::describe(operations[i]));
                if (scene_.order.back() == scene_.refused) refused.push_back({i, "refused"});
            }
            return refused;
        }
        Alone& scene_;
    };

    boost::asio::io_context loop;
    KeptLog log;
    LvsOptions options;
    lvs::Moment now{Instant{1000s}, WallTime{5}};
    std::vector<Readiness> ready{8, Readiness::Ready};  // of each service
    std::optional<Instant> fresh_after;                 // what was asked for last
    int changed = 0, opened = 0;
    Lines order;                  // of what the kernel was told
    std::string refused;          // this operation
    std::optional<Error> breaks;  // the next call
    std::unique_ptr<Announcing> announcing;

    Alone() {
        options.open_announcing = [this]() -> Result<std::unique_ptr<AnnounceTable>> {
            ++opened;
            return std::make_unique<Kernel>(*this);
        };
        announcing =
            std::make_unique<Announcing>(loop, log, options,
                                         Announcing::Owner{.moment = [this] { return now; },
                                                           .readiness =
                                                               [this](std::size_t at, std::optional<Instant> fresh) {
                                                                   fresh_after = fresh;
                                                                   return ready.at(at);
                                                               },
                                                           .changed = [this] { ++changed; }});
    }
    void configure(const std::vector<config::VirtualServer>& services) {
        announcing->configure(services);
        announcing->update();
    }
    report::AnnouncedStatus shown(std::size_t at = 0) const { return announcing->status().at(at); }
    Lines taken_order() { return std::exchange(order, {}); }
    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (!holds() && std::chrono::steady_clock::now() < end) loop.run_one_for(50ms);
        loop.restart();
        return holds();
    }
};

report::AnnouncedStatus left(const char* address, const char* state) {
    return {.address = ip(address), .interface = "ms-vip", .drain_interface = "ms-drain", .state = state};
}

}  // namespace

TEST_CASE("an address is shown as announced, as draining and as withdrawn, and each change is reported once") {
    Alone scene;
    scene.configure({announced_web("10.0.0.1")});
    CHECK(scene.shown().state == "announced");
    CHECK(scene.shown().interface == "ms-vip");
    CHECK(scene.shown().drain_interface == "ms-drain");
    CHECK(scene.shown().since == WallTime{5});
    CHECK_FALSE(scene.announcing->is_withdrawn(0));
    CHECK(scene.changed == 1);
    scene.order.clear();
    scene.announcing->update();
    scene.announcing->withdraw();
    CHECK(scene.order.empty());
    CHECK(scene.changed == 1);

    scene.announcing->drain(true);
    CHECK(scene.taken_order() ==
          Lines{"withdraw 10.0.0.1 from ms-vip", "take the packets to 10.0.0.1", "announce 10.0.0.1 on ms-drain"});
    CHECK(scene.shown().state == "draining");
    CHECK_FALSE(scene.announcing->is_withdrawn(0));
    CHECK(scene.changed == 2);

    scene.now.now += 30s;
    scene.announcing->withdraw();
    CHECK(scene.taken_order() == Lines{"withdraw 10.0.0.1 from ms-drain"});
    CHECK(scene.shown().state == "withdrawn");
    CHECK(scene.shown().reason == "this director is in maintenance, and its drain time is over");
    CHECK(scene.announcing->is_withdrawn(0));
    CHECK(scene.changed == 3);
    scene.announcing->drain(false);
    CHECK(scene.shown().state == "announced");
    CHECK(scene.changed == 4);
}

TEST_CASE("a service is withdrawn when it announces and none of its own addresses is announced") {
    Alone scene;
    scene.ready[1] = Readiness::QuorumLost;
    scene.refused = "announce 10.0.1.1 on ms-vip";
    scene.configure({announced_web("10.0.0.1"), announced_web("10.0.0.2"), service({server("10.0.0.11")}, "10.0.0.3"),
                     announced(grouped({server("10.0.0.11")}, {range("10.0.1.1", "10.0.1.2")}))});
    CHECK_FALSE(scene.announcing->is_withdrawn(0));
    CHECK(scene.announcing->is_withdrawn(1));
    CHECK_FALSE(scene.announcing->is_withdrawn(2));  // it announces nothing
    CHECK_FALSE(scene.announcing->is_withdrawn(3));  // one of its two
    CHECK(scene.shown(1).reason == "its quorum is lost");
    CHECK(scene.shown(2).reason == "refused");
    CHECK(scene.shown(3).reason.empty());
}

TEST_CASE("an address that expired with a crashed process needs new checks, at its first configuration only") {
    Alone scene;
    const auto ready_after = [&](const char* state, const std::set<IpAddress>& present) {
        Alone other;
        other.announcing->inherit({left("10.0.0.1", state)}, present);
        other.ready[0] = Readiness::NotChecked;
        other.configure({announced_web("10.0.0.1")});
        if (!other.fresh_after) return false;
        CHECK(*other.fresh_after == other.now.now);
        return true;
    };
    CHECK(ready_after("announced", {}));
    CHECK(ready_after("draining", {ip("10.0.0.2")}));
    CHECK_FALSE(ready_after("announced", {ip("10.0.0.1")}));
    CHECK_FALSE(ready_after("withdrawn", {}));
    scene.announcing->inherit({left("10.0.0.1", "announced")}, {});
    scene.configure({announced_web("10.0.0.1")});
    CHECK(scene.shown().state == "announced");  // it has been checked anew
    scene.configure({announced_web("10.0.0.1")});
    CHECK_FALSE(scene.fresh_after);
}

TEST_CASE("what a crashed process announced is not taken for withdrawn before it is decided what becomes of it") {
    for (const bool ready : {true, false}) {
        CAPTURE(ready);
        Alone scene;
        if (!ready) scene.ready[0] = Readiness::QuorumLost;
        scene.announcing->inherit({left("10.0.0.1", "announced")}, {ip("10.0.0.1")});
        scene.announcing->configure({announced_web("10.0.0.1")});
        CHECK_FALSE(scene.announcing->is_withdrawn(0));
        scene.announcing->update();
        CHECK(scene.announcing->is_withdrawn(0) == !ready);
    }
    Alone first;
    first.announcing->configure({announced_web("10.0.0.1")});
    CHECK(first.announcing->is_withdrawn(0));  // nobody has announced it
}

TEST_CASE("a director in maintenance whose process crashed goes on draining") {
    Alone scene;
    scene.announcing->drain(true);
    scene.announcing->inherit({left("10.0.0.1", "draining")}, {ip("10.0.0.1")});
    scene.configure({announced_web("10.0.0.1")});
    CHECK(scene.taken_order() ==
          Lines{"withdraw 10.0.0.1 from ms-vip", "take the packets to 10.0.0.1", "announce 10.0.0.1 on ms-drain"});
    CHECK(scene.shown().state == "draining");
    CHECK(scene.log.texts.empty());
    scene.now.now += 30s;
    scene.announcing->withdraw();
    CHECK(scene.shown().reason == "this director is in maintenance, and its drain time is over");
}

TEST_CASE(
    "what a crashed process announced and nobody configures is withdrawn, and its packets are taken for a minute") {
    Alone scene;
    scene.announcing->inherit({left("10.0.0.1", "announced")}, {ip("10.0.0.1")});
    scene.configure({});
    CHECK(scene.taken_order() == Lines{"withdraw 10.0.0.1 from ms-vip", "withdraw 10.0.0.1 from ms-drain"});
    CHECK(scene.shown().reason == "it is no longer configured");
    CHECK(scene.shown().on_purpose);
    scene.now.now += 59s;
    const auto renewed = [&] {
        scene.loop.run_one();  // the renewal of the next second
        scene.loop.restart();
    };
    renewed();
    CHECK(scene.order.empty());
    CHECK(scene.announcing->is_used());
    scene.now.now += 1s;
    renewed();
    CHECK(scene.order == Lines{"take no more packets to 10.0.0.1"});
    CHECK_FALSE(scene.announcing->is_used());
    renewed();
    CHECK(scene.loop.run_one() == 0);  // nothing is renewed any more
    scene.loop.restart();
    scene.order.clear();
    scene.configure({announced_web("10.0.0.2")});
    const auto announced = [&] { return std::ranges::count(scene.order, "announce 10.0.0.2 on ms-vip"); };
    CHECK(announced() == 1);
    renewed();
    CHECK(announced() == 2);
}

TEST_CASE("more addresses than can be renewed each second are left out, with their number") {
    Alone scene;
    std::vector<config::VirtualServer> services;
    for (int n = 0; n < 1000; ++n)
        services.push_back(announced_web("10.1." + std::to_string(n / 250) + "." + std::to_string(1 + n % 250)));
    scene.announcing->configure(services);
    CHECK(scene.log.texts.empty());
    services.push_back(announced_web("10.2.0.1"));
    services.push_back(announced_web("10.2.0.2"));
    scene.announcing->configure(services);
    CHECK(scene.log.texts == Lines{"announce: 2 addresses are not announced: 1000 are the most"});
}

TEST_CASE("when the kernel's socket breaks nothing of the call counts, and the next one opens it again") {
    Alone scene;
    scene.breaks = Error{Errc::Io, "no buffer space"};
    scene.configure({announced_web("10.0.0.1"), announced_web("10.0.0.2")});
    CHECK(scene.opened == 1);
    CHECK(scene.shown(0).state == "withdrawn");
    CHECK(scene.shown(1).state == "withdrawn");
    CHECK(scene.shown(1).reason == "no buffer space");
    CHECK(scene.log.count("no buffer space; tried again each second") == 2);
    CHECK(scene.changed == 1);
    scene.announcing->update();
    CHECK(scene.opened == 2);
    CHECK(scene.shown(0).state == "announced");
    CHECK(scene.shown(1).state == "announced");
    scene.announcing->drain(true);
    CHECK(scene.opened == 2);
    scene.announcing->drain(false);
    scene.ready[0] = Readiness::QuorumLost;
    scene.breaks = Error{Errc::Io, "no buffer space"};
    scene.announcing->withdraw();  // one operation
    CHECK(scene.log.count("no buffer space; tried again each second") == 3);
}

TEST_CASE("the stop waits for routers only where something was announced, and nothing is announced after it") {
    Alone scene;
    bool done = false;
    const auto stop = [&] { scene.announcing->stop([&done] { done = true; }); };
    SUBCASE("nothing was ever to be announced") {
        stop();
        CHECK(done);
        CHECK(scene.opened == 0);
    }
    SUBCASE("nothing was announced at last") {
        scene.configure({announced_web("10.0.0.1")});
        scene.ready[0] = Readiness::QuorumLost;
        scene.announcing->withdraw();
        scene.order.clear();
        stop();
        CHECK(done);
        CHECK(scene.order == Lines{"take no more packets to 10.0.0.1"});
    }
    SUBCASE("something was") {
        scene.configure({announced_web("10.0.0.1")});
        scene.order.clear();
        stop();
        CHECK_FALSE(done);
        CHECK(scene.taken_order() == Lines{"withdraw 10.0.0.1 from ms-vip"});
        CHECK(scene.shown().reason == "mainstay stops");
        scene.announcing->update();
        scene.announcing->withdraw();
        scene.announcing->drain(true);
        CHECK(scene.order.empty());
        SUBCASE("and is gone in the meantime") {
            scene.announcing.reset();
            scene.loop.run();
            CHECK_FALSE(done);
        }
        SUBCASE("and was heard of") {
            CHECK(scene.until([&] { return done; }));
            CHECK(scene.order == Lines{"take no more packets to 10.0.0.1"});
            scene.loop.run();  // nothing is renewed
            CHECK(scene.order.size() == 1);
        }
    }
}
