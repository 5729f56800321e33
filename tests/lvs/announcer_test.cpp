#include "mainstay/lvs/announcer.hpp"

#include <doctest/doctest.h>

#include <map>

#include "builders.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;
using netlink::AnnounceOperation;
using netlink::AnnounceOperations;
using AnnounceKind = AnnounceOperation::Kind;

namespace {

constexpr const char* kFirst = "192.0.2.1";

config::AnnounceSettings settings(bool any = false) {
    return {.any_service = any,
            .interface = "ms-vip",
            .drain_interface = "ms-drain",
            .lifetime = Seconds{5},
            .hold = false,
            .drain_time = Seconds{60}};
}

// "announce 192.0.2.1 on ms-vip" with the lifetime behind it, line by line.
std::string text_of(const AnnounceOperations& operations) {
    std::string text;
    for (const auto& one : operations) {
        text += netlink::describe(one);
        if (one.lifetime.count() != 0) text += " for " + std::to_string(one.lifetime.count());
        text += '\n';
    }
    return text;
}

std::string text_of(const std::vector<LogLine>& lines) {
    std::string text;
    for (const auto& line : lines) text += line.text + '\n';
    return text;
}

struct Scene {
    Announcer announcer;
    std::map<std::size_t, Readiness> services;
    Instant now{Seconds{1000}};
    std::string said;
    std::optional<Instant> asked_fresh;
    std::vector<std::size_t> refused;  // of the next operations

    explicit Scene(config::AnnounceSettings how = settings(), std::vector<std::size_t> of = {0}) {
        for (const std::size_t service : of) services[service] = Readiness::Ready;
        announcer.configure({{ip(kFirst), how, of}});
    }
    Moment at() const { return {now, {7}}; }
    auto readiness() {
        return [this](std::size_t service, std::optional<Instant> fresh) {
            asked_fresh = fresh;
            return services.at(service);
        };
    }
    std::string done(const Announcer::Outcome& outcome) {
        std::vector<netlink::RefusedAnnounce> refusals;
        for (const std::size_t index : refused) refusals.push_back({index, "no"});
        refused.clear();
        said = text_of(outcome.lines) + text_of(announcer.carried_out(outcome.operations, refusals, at()));
        return text_of(outcome.operations);
    }
    std::string renew() { return done(announcer.renew(readiness(), at())); }
    std::string settle() { return done(announcer.settle(readiness(), at())); }
    std::string withdraw() { return done(announcer.withdraw(readiness(), at())); }
    const Announcer::Address& address() const { return announcer.addresses().at(0); }
};

constexpr const char* kRenewed = "take the packets to 192.0.2.1\nannounce 192.0.2.1 on ms-vip for 5\n";

}  // namespace

TEST_CASE("a service that is ready is announced and renewed, and said once") {
    Scene scene;
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-drain\n" + std::string{kRenewed});
    CHECK(scene.said == "Announced 192.0.2.1 on ms-vip\n");
    CHECK(scene.address().state() == Announcer::State::Announced);
    CHECK(scene.address().since == WallTime{7});

    scene.now += Seconds{1};
    CHECK(scene.renew() == kRenewed);
    CHECK(scene.said.empty());
}

TEST_CASE("a service that is not ready is withdrawn before the change, and its packets are taken for the drain time") {
    Scene scene;
    static_cast<void>(scene.renew());
    scene.services[0] = Readiness::QuorumLost;

    CHECK(scene.withdraw() == "withdraw 192.0.2.1 from ms-vip\n");
    CHECK(scene.said == "Withdrew 192.0.2.1 from ms-vip: its quorum is lost\n");
    CHECK(scene.address().state() == Announcer::State::Withdrawn);
    CHECK(scene.address().reason == "its quorum is lost");
    CHECK_FALSE(scene.address().is_withdrawn_on_purpose());
    for (int second = 0; second < 59; ++second) {
        scene.now += Seconds{1};
        CHECK(scene.renew() == "");
    }
    scene.now += Seconds{1};
    CHECK(scene.renew() == "take no more packets to 192.0.2.1\n");
    CHECK(scene.renew() == "");

    scene.services[0] = Readiness::Ready;
    CHECK(scene.renew() == kRenewed);
}

TEST_CASE("a change announces what is ready now, and renews nothing") {
    Scene scene;
    scene.services[0] = Readiness::QuorumLost;
    static_cast<void>(scene.renew());
    scene.services[0] = Readiness::Ready;
    CHECK(scene.settle() == kRenewed);
    CHECK(scene.settle() == "");
    scene.services[0] = Readiness::NotProgrammed;
    CHECK(scene.settle() == "withdraw 192.0.2.1 from ms-vip\n");
}

TEST_CASE("a change after a pause finds the pause too") {
    Scene scene;
    static_cast<void>(scene.renew());
    scene.now += Seconds{6};
    scene.services[0] = Readiness::NotChecked;
    CHECK(scene.withdraw() == "withdraw 192.0.2.1 from ms-vip\nwithdraw 192.0.2.1 from ms-drain\n");
    CHECK(scene.asked_fresh == scene.now);
    static_cast<void>(scene.renew());
    CHECK(scene.address().interface.empty());
}

TEST_CASE("the time without any address is no pause") {
    Scene scene;
    static_cast<void>(scene.renew());
    scene.announcer.configure({});
    static_cast<void>(scene.renew());
    scene.now += Seconds{60};
    static_cast<void>(scene.renew());
    REQUIRE(scene.announcer.is_empty());
    scene.now += Seconds{3600};
    scene.announcer.configure({{ip(kFirst), settings(), {0}}});
    static_cast<void>(scene.settle());
    scene.now += Seconds{1};
    CHECK(scene.renew() == kRenewed);
}

TEST_CASE("what an earlier process left is removed where it is not ready, and its route after the drain time") {
    Scene scene;
    scene.services[0] = Readiness::NotChecked;
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-vip\nwithdraw 192.0.2.1 from ms-drain\n");
    CHECK(scene.said.empty());
    CHECK(scene.renew() == "");
    scene.now += Seconds{60};
    CHECK(scene.renew() == "take no more packets to 192.0.2.1\n");
}

TEST_CASE("a service that is not checked yet is not announced, but no reason to withdraw") {
    Scene scene;
    scene.services[0] = Readiness::NotChecked;
    static_cast<void>(scene.renew());
    CHECK(scene.address().interface.empty());
    scene.services[0] = Readiness::Ready;
    static_cast<void>(scene.renew());
    scene.services[0] = Readiness::NotChecked;
    CHECK(scene.withdraw() == "");
    CHECK(scene.renew() == kRenewed);
}

TEST_CASE("a table that is not programmed withdraws, but not before the change that programs it") {
    Scene scene;
    static_cast<void>(scene.renew());
    scene.services[0] = Readiness::NotProgrammed;
    CHECK(scene.withdraw() == "");
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-vip\n");
    CHECK(scene.said == "Withdrew 192.0.2.1 from ms-vip: IPVS does not have its table\n");
}

TEST_CASE("of several services all must be ready, or any") {
    Scene all{settings(), {3, 5}};
    all.services[5] = Readiness::QuorumLost;
    static_cast<void>(all.renew());
    CHECK(all.address().state() == Announcer::State::Withdrawn);
    CHECK(all.address().reason == "its quorum is lost");

    Scene any{settings(true), {3, 5}};
    any.services[3] = Readiness::QuorumLost;
    static_cast<void>(any.renew());
    CHECK(any.address().state() == Announcer::State::Announced);
    any.services[5] = Readiness::NotProgrammed;
    static_cast<void>(any.renew());
    CHECK(any.said == "Withdrew 192.0.2.1 from ms-vip: IPVS does not have its table\n");
}

TEST_CASE("a service that is not checked yet hides no other one that has lost its quorum") {
    Scene scene{settings(), {3, 5}};
    static_cast<void>(scene.renew());
    scene.services[3] = Readiness::NotChecked;
    CHECK(scene.withdraw() == "");
    scene.services[5] = Readiness::QuorumLost;
    CHECK(scene.withdraw() == "withdraw 192.0.2.1 from ms-vip\n");
}

TEST_CASE("after a pause beyond the lifetime the address counts as gone, and needs checks that ended since") {
    Scene scene;
    static_cast<void>(scene.renew());
    scene.now += Seconds{5};
    CHECK(scene.renew() == kRenewed);
    CHECK_FALSE(scene.asked_fresh);

    scene.now += Seconds{6};
    scene.services[0] = Readiness::NotChecked;
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-vip\nwithdraw 192.0.2.1 from ms-drain\n");
    CHECK(scene.asked_fresh == scene.now);
    const Instant end = scene.now;
    scene.now += Seconds{2};
    scene.services[0] = Readiness::Ready;
    CHECK(scene.renew() == kRenewed);
    CHECK(scene.asked_fresh == end);
    CHECK(scene.said == "Announced 192.0.2.1 on ms-vip\n");
    static_cast<void>(scene.renew());
    CHECK_FALSE(scene.asked_fresh);
}

TEST_CASE("an address that is held has no lifetime, and no pause takes it away") {
    auto how = settings();
    how.hold = true;
    Scene scene{how};
    static_cast<void>(scene.renew());
    scene.now += Seconds{3600};
    CHECK(scene.renew() == "take the packets to 192.0.2.1\nannounce 192.0.2.1 on ms-vip\n");
    CHECK_FALSE(scene.asked_fresh);
}

TEST_CASE("while this director drains the address moves: first gone, then there") {
    // effect: virtual_server/announce: drain_interface
    Scene scene;
    static_cast<void>(scene.renew());
    scene.announcer.drain(true);
    CHECK(scene.renew() ==
          "withdraw 192.0.2.1 from ms-vip\ntake the packets to 192.0.2.1\nannounce 192.0.2.1 on ms-drain for 5\n");
    CHECK(scene.said == "Announced 192.0.2.1 on ms-drain: this director drains\n");
    CHECK(scene.address().state() == Announcer::State::Draining);
    CHECK(scene.address().reason.empty());
    scene.announcer.drain(false);
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-drain\n" + std::string{kRenewed});
}

TEST_CASE("a drained address is withdrawn when its drain time is over, and comes back at the end of the maintenance") {
    Scene scene;
    static_cast<void>(scene.renew());
    scene.announcer.drain(true);
    for (int second = 0; second < 60; ++second) {
        static_cast<void>(scene.renew());
        CHECK(scene.address().state() == Announcer::State::Draining);
        scene.now += Seconds{1};
    }
    CHECK(scene.withdraw() == "withdraw 192.0.2.1 from ms-drain\n");
    CHECK(scene.said ==
          "Withdrew 192.0.2.1 from ms-drain: this director is in maintenance, and its drain time is over\n");
    CHECK(scene.renew() == "");
    CHECK(scene.address().reason == "this director is in maintenance, and its drain time is over");
    CHECK(scene.address().is_withdrawn_on_purpose());
    scene.announcer.drain(false);
    CHECK(scene.renew() == kRenewed);
    CHECK(scene.said == "Announced 192.0.2.1 on ms-vip\n");
    scene.announcer.drain(true);
    static_cast<void>(scene.renew());
    CHECK(scene.address().state() == Announcer::State::Draining);
}

TEST_CASE("in maintenance nothing is announced that was not before") {
    Scene scene;
    scene.announcer.drain(true);
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-vip\nwithdraw 192.0.2.1 from ms-drain\n");
    CHECK(scene.address().reason == "this director is in maintenance");
    CHECK(scene.address().is_withdrawn_on_purpose());
    CHECK(scene.renew() == "");
}

TEST_CASE("a refused address is tried again, said once, and not taken for announced") {
    Scene scene;
    scene.refused = {2};
    static_cast<void>(scene.renew());
    CHECK(scene.said == "no; tried again each second\n");
    CHECK(scene.address().state() == Announcer::State::Withdrawn);
    CHECK(scene.address().problem == "no");
    scene.refused = {2};
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-drain\n" + std::string{kRenewed});
    CHECK(scene.said.empty());
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-drain\n" + std::string{kRenewed});
    CHECK(scene.said == "Announced 192.0.2.1 on ms-vip\n");
    CHECK(scene.address().problem.empty());
}

TEST_CASE("a route that is refused again and again is said once, while the address is announced") {
    Scene scene;
    scene.refused = {1};
    static_cast<void>(scene.renew());
    CHECK(scene.said == "no; tried again each second\nAnnounced 192.0.2.1 on ms-vip\n");
    scene.refused = {0};
    static_cast<void>(scene.renew());
    CHECK(scene.said.empty());
    CHECK(scene.address().problem == "no");
    static_cast<void>(scene.renew());
    CHECK(scene.address().problem.empty());
}

TEST_CASE("an address that could not be withdrawn is withdrawn again") {
    Scene scene;
    static_cast<void>(scene.renew());
    scene.services[0] = Readiness::QuorumLost;
    scene.refused = {0};
    static_cast<void>(scene.withdraw());
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-vip\nwithdraw 192.0.2.1 from ms-drain\n");
    CHECK(scene.renew() == "");
}

TEST_CASE("a reload keeps what stays, moves what has another interface, and withdraws the rest") {
    Scene scene;
    static_cast<void>(scene.renew());
    scene.announcer.configure({{ip(kFirst), settings(), {4}}});
    scene.services = {{4, Readiness::Ready}};
    CHECK(scene.renew() == kRenewed);

    auto other = settings();
    other.interface = "vips";
    scene.announcer.configure({{ip(kFirst), other, {4}}});
    CHECK(scene.renew() ==
          "withdraw 192.0.2.1 from ms-vip\ntake the packets to 192.0.2.1\nannounce 192.0.2.1 on vips for 5\n");

    scene.announcer.configure({});
    CHECK(scene.withdraw() == "withdraw 192.0.2.1 from vips\n");
    CHECK(scene.said == "Withdrew 192.0.2.1 from vips: it is no longer configured\n");
    CHECK(scene.address().is_withdrawn_on_purpose());
    CHECK_FALSE(scene.announcer.is_empty());
    scene.now += Seconds{60};
    CHECK(scene.renew() == "take no more packets to 192.0.2.1\n");
    CHECK(scene.announcer.is_empty());
}

TEST_CASE("the stop withdraws at once, and takes no more packets afterwards") {
    Scene scene;
    static_cast<void>(scene.renew());
    const auto outcome = scene.announcer.stop(scene.at());
    CHECK(text_of(outcome.operations) == "withdraw 192.0.2.1 from ms-vip\n");
    CHECK(text_of(outcome.lines) == "Withdrew 192.0.2.1 from ms-vip: mainstay stops\n");
    CHECK(text_of(scene.announcer.stop_routes()) == "take no more packets to 192.0.2.1\n");
    CHECK(scene.announcer.stop_routes().empty());
}

TEST_CASE("an address that expired while the process was dead needs new checks") {
    Scene scene;
    scene.announcer.distrust({ip(kFirst), ip("192.0.2.9")}, scene.now);
    static_cast<void>(scene.renew());
    CHECK(scene.asked_fresh == scene.now);
}

TEST_CASE("what a crashed process announced is renewed: nothing is said, and the time of its state stays") {
    Scene scene;
    scene.announcer.resume(ip(kFirst), Announcer::State::Announced, WallTime{3}, scene.at());
    CHECK(scene.address().state() == Announcer::State::Announced);
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-drain\n" + std::string{kRenewed});
    CHECK(scene.said.empty());
    CHECK(scene.address().since == WallTime{3});
    CHECK(scene.renew() == kRenewed);
}

TEST_CASE("what a crashed process announced and is not checked is withdrawn, and said") {
    Scene scene;
    scene.services[0] = Readiness::NotChecked;
    scene.announcer.resume(ip(kFirst), Announcer::State::Announced, WallTime{3}, scene.at());
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-vip\nwithdraw 192.0.2.1 from ms-drain\n");
    CHECK(scene.said == "Withdrew 192.0.2.1 from ms-vip: too few of its servers have passed a check yet\n");
}

TEST_CASE("a drain goes on after a crash, for the rest of its time") {
    Scene scene;
    scene.announcer.drain(true);
    scene.announcer.resume(ip(kFirst), Announcer::State::Draining, WallTime{7 - 20'000'000}, scene.at());
    scene.announcer.configure({{ip(kFirst), settings(), {0}}});
    const std::string renewed = "take the packets to 192.0.2.1\nannounce 192.0.2.1 on ms-drain for 5\n";
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-vip\n" + renewed);
    CHECK(scene.said.empty());
    for (int second = 1; second < 40; ++second) {
        scene.now += Seconds{1};
        CHECK(scene.renew() == renewed);
    }
    scene.now += Seconds{1};
    CHECK(scene.renew() == "withdraw 192.0.2.1 from ms-drain\n");

    Scene stepped;  // the clock went back meanwhile
    stepped.announcer.drain(true);
    stepped.announcer.resume(ip(kFirst), Announcer::State::Draining, WallTime{1'000'000'000}, stepped.at());
    static_cast<void>(stepped.renew());
    CHECK(stepped.address().drains_since == stepped.now);
}

TEST_CASE("a service is ready when servers that make its quorum have passed their checks") {
    auto web = service({server("10.0.0.11", 2), server("10.0.0.12", 1)});
    web.quorum = 2;
    ServiceState state{.quorum_up = true};
    state.servers.resize(2);
    state.servers[0].weight = 2;
    CheckerState checker{.due = Instant{Seconds{10}}};
    state.servers[0].checkers.push_back(checker);

    CHECK(readiness_of(web, state, {}) == Readiness::NotChecked);
    state.servers[0].checkers[0].has_run = true;
    CHECK(readiness_of(web, state, {}) == Readiness::Ready);
    CHECK(readiness_of(web, state, Instant{Seconds{9}}) == Readiness::Ready);
    CHECK(readiness_of(web, state, Instant{Seconds{10}}) == Readiness::NotChecked);
    state.servers[0].alive = false;
    CHECK(readiness_of(web, state, {}) == Readiness::NotChecked);
    state.quorum_up = false;
    CHECK(readiness_of(web, state, {}) == Readiness::QuorumLost);
}

namespace {

config::VirtualServer announcing(config::VirtualServer service) {
    service.more.edit().sections.push_back({.keyword = "announce"});
    return service;
}

}  // namespace

TEST_CASE("an address has the services that announce it, with the settings of the first") {
    auto web = announcing(service({server("10.0.0.11")}));
    auto quiet = web;
    quiet.more.edit().sections.clear();
    auto secure = web;
    secure.endpoint.port = 443;
    secure.more.edit().sections[0].values.push_back({"services", config::WordList{"any"}});
    auto group = announcing(service({server("10.0.0.11")}));
    group.group = "web";
    group.endpoint = {};
    group.membership.edit().entries = {{.first = ip("10.9.0.1"), .last = ip("10.9.0.2"), .port = 80},
                                       {.fwmark = 7},
                                       {.first = ip("10.9.0.2"), .last = ip("10.9.0.2"), .port = 443}};
    const auto found = announced_addresses({quiet, web, secure, group});

    REQUIRE(found.list.size() == 3);
    CHECK(found.left_out == 0);
    CHECK(found.list[0].address == web.endpoint.address);
    CHECK(found.list[0].services == std::vector<std::size_t>{1, 2});
    CHECK_FALSE(found.list[0].settings.any_service);
    CHECK(found.list[2].address == ip("10.9.0.2"));
    CHECK(found.list[2].services == std::vector<std::size_t>{3});
}

TEST_CASE("at most a thousand addresses are announced, and the rest is counted") {
    auto group = announcing(service({server("10.0.0.11")}));
    group.group = "web";
    group.endpoint = {};
    group.membership.edit().entries = {{.first = ip("10.9.0.0"), .last = ip("10.9.3.255"), .port = 80}};
    const auto found = announced_addresses({group});
    CHECK(found.list.size() == 1000);
    CHECK(found.left_out == 24);
}
