// The bfd role and its neighbours, which the test plays.
#include "mainstay/role/bfd/role.hpp"
#include "../../needs.hpp"

#include <set>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;

TEST_CASE("a session comes up, which both roles hear and the state block shows, and goes down" *
          mainstay::test::kNeedsRoot) {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.connect(To::Vrrp);
        bench.start(kPeer);
        bench.connect(To::Lvs);
        CHECK(Bench::received(bench.vrrp) == Texts{"peer down"});
        CHECK(Bench::received(bench.lvs) == Texts{"peer down"});
        CHECK(bench.session().name == "peer");
        CHECK(bench.session().state == BfdState::Down);
        CHECK(bench.session().since == WallTime{1});
        CHECK(bench.status().generation == 1);
        bench.come_up(neighbor);
        CHECK(neighbor.source == 0x0a000001);
        CHECK(neighbor.source_port >= 49152);
        CHECK(Bench::received(bench.vrrp) == Texts{"peer up"});
        CHECK(Bench::received(bench.lvs) == Texts{"peer up"});
        neighbor.send_state(BfdState::Down);
        CHECK(bench.until([&] { return bench.session().state != BfdState::Up; }));
        CHECK(Bench::received(bench.vrrp) == Texts{"peer down"});
        CHECK(Bench::received(bench.lvs) == Texts{"peer down"});
        bench.stop();
        CHECK(bench.runtime.log_.count("peer") > 0);
    });
}

TEST_CASE("the vrrp role hears of every session, which the status has from it, the lvs role of those for checkers" *
          mainstay::test::kNeedsRoot) {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.start(instance("peer", "neighbor_ip 10.0.0.2\nsource_ip 10.0.0.1\nvrrp"));
        bench.connect(To::Vrrp);
        bench.connect(To::Lvs);
        bench.come_up(neighbor);
        CHECK(Bench::received(bench.vrrp) == Texts{"peer down", "peer up"});
        CHECK(Bench::received(bench.lvs).empty());
        bench.connect(To::Vrrp);
        bench.connect(To::Lvs);
        CHECK(Bench::received(bench.vrrp) == Texts{"peer up"});
        CHECK(Bench::received(bench.lvs).empty());
        bench.reload(instance("peer", "neighbor_ip 10.0.0.2\nsource_ip 10.0.0.1\nchecker"));
        CHECK(Bench::received(bench.vrrp) == Texts{"peer up"});
        CHECK(Bench::received(bench.lvs) == Texts{"peer up"});
        CHECK(bench.session().state == BfdState::Up);
        bench.stop();
    });
}

TEST_CASE("a packet from too far away, or from a stranger, counts for no session" * mainstay::test::kNeedsRoot) {
    on_cable([] {
        Neighbor far{2, 3784, 254}, stranger{3};
        Bench bench;
        bench.start(kPeer);
        far.send_state(BfdState::Down);
        stranger.send_state(BfdState::Down);
        CHECK(bench.until([&] { return bench.session().counters.discarded + bench.status().sessions.strangers == 2; }));
        CHECK(bench.session().state == BfdState::Down);
        bench.stop();
    });
}

TEST_CASE("a session over several hops has a port of its own" * mainstay::test::kNeedsRoot) {
    on_cable([] {
        Neighbor neighbor{2, 4784, 64};
        Bench bench;
        bench.start(instance("peer", "neighbor_ip 10.0.0.2\nsource_ip 10.0.0.1\nmultihop\nmax_hops 255"));
        bench.come_up(neighbor);
        bench.stop();
    });
}

TEST_CASE("what changes all the time is published a few times a second" * mainstay::test::kNeedsRoot) {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.start(kPeer);
        REQUIRE(bench.until_heard(neighbor, BfdState::Down));
        neighbor.send_state(BfdState::Down);
        REQUIRE(bench.until([&] { return bench.session().state == BfdState::Init; }));
        CHECK(bench.session().counters.received == 1);
        CHECK(bench.until([&] { return bench.session().counters.sent >= 3; }));
        bench.stop();
    });
}

TEST_CASE("a reload keeps the sessions that stay, ends the others and begins new ones" * mainstay::test::kNeedsRoot) {
    on_cable([] {
        Neighbor second{2}, third{3};
        Bench bench;
        bench.start(kPeer);
        bench.connect(To::Vrrp);
        bench.come_up(second);
        static_cast<void>(Bench::received(bench.vrrp));
        bench.reload(kPeer + instance("more", "neighbor_ip 10.0.0.3\nsource_ip 10.0.0.1"));
        CHECK(bench.session(0).state == BfdState::Up);
        CHECK(bench.session(1).name == "more");
        CHECK(Bench::received(bench.vrrp) == Texts{"more down", "peer up"});
        CHECK(bench.until_heard(third, BfdState::Down));
        CHECK_FALSE(is_free(second.source_port));
        bench.reload(instance("more", "neighbor_ip 10.0.0.3\nsource_ip 10.0.0.1"));
        CHECK(bench.until_heard_stop(second));
        CHECK(is_free(second.source_port));
        CHECK_FALSE(is_free(third.source_port));
        CHECK(bench.status().sessions.sessions.size() == 1);
        bench.stop();
    });
}

TEST_CASE("a configuration that was prepared and aborted changes nothing" * mainstay::test::kNeedsRoot) {
    on_cable([] {
        Bench bench;
        bench.start(kPeer);
        REQUIRE(bench.role->prepare(written(instance("other", "neighbor_ip 10.0.0.3\nsource_ip 10.0.0.1"))));
        bench.role->abort();
        bench.role->commit();
        CHECK(bench.session().name == "peer");
        REQUIRE(bench.role->prepare(written(kPeer)));
        bench.role->commit();
        bench.role->commit();  // of nothing that was prepared
        CHECK(bench.session().name == "peer");
        bench.stop();
    });
}

TEST_CASE("a port that another program has is the reason why a configuration cannot be started or prepared" *
          mainstay::test::kNeedsRoot) {
    on_cable([] {
        const UniqueFd other{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        const auto port = Neighbor::at(0, 3784);
        REQUIRE(::bind(other.get(), reinterpret_cast<const sockaddr*>(&port), sizeof port) == 0);
        Bench refused, later;
        const auto started = refused.role->start(written(kPeer), false);
        REQUIRE_FALSE(started);
        CHECK(started.error().sys_errno() == EADDRINUSE);
        refused.stop();
        later.start(instance("peer", "neighbor_ip 10.0.0.2\nsource_ip 10.0.0.1\nmultihop\nmax_hops 255"));
        CHECK_FALSE(later.role->prepare(written(kPeer)));
        later.role->commit();
        CHECK(later.session().multihop);
        later.stop();
    });
}

TEST_CASE("a new incarnation resumes a session that was up, and reports no change" * mainstay::test::kNeedsRoot) {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.start(kPeer);
        bench.come_up(neighbor);
        const auto before = bench.session();
        auto left = bench.status();
        left.sessions.sessions.at(0).since = WallTime{77};
        bench.runtime.state = encode(left);
        bench.role = make_bfd_role(bench.runtime);
        bench.connect(To::Vrrp);
        bench.connect(To::Lvs);
        bench.start(kPeer, true);
        CHECK(bench.session().state == BfdState::Up);
        CHECK(bench.session().since == WallTime{77});
        CHECK(Bench::received(bench.lvs) == Texts{"peer up"});
        CHECK(bench.session().discriminator == before.discriminator);
        CHECK(Bench::received(bench.vrrp) == Texts{"peer up"});
        CHECK(bench.runtime.log_.count("state of the previous process resumed") == 1);
        neighbor.send_state(BfdState::AdminDown);
        CHECK(bench.until([&] { return bench.session().state != BfdState::Up; }));
        CHECK(bench.session().since == WallTime{1});
        bench.stop();
        CHECK(bench.until_heard_stop(neighbor));
    });
}

TEST_CASE("a first start does not resume what an old block holds" * mainstay::test::kNeedsRoot) {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.start(kPeer);
        bench.come_up(neighbor);
        bench.role = make_bfd_role(bench.runtime);
        bench.start(kPeer);
        CHECK(bench.session().state == BfdState::Down);
        CHECK(bench.runtime.log_.count("resumed") == 0);
        bench.stop();
    });
}

TEST_CASE("a source port that another program has is replaced by another, and the session goes on" *
          mainstay::test::kNeedsRoot) {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.start(kPeer);
        bench.come_up(neighbor);
        const auto port = neighbor.source_port;
        bench.role = make_bfd_role(bench.runtime);
        const UniqueFd other{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        const auto taken = Neighbor::at(0x0a000001, port);
        REQUIRE(::bind(other.get(), reinterpret_cast<const sockaddr*>(&taken), sizeof taken) == 0);
        while (neighbor.heard()) {
        }
        bench.start(kPeer, true);
        CHECK(bench.until_heard(neighbor, BfdState::Up));
        CHECK(neighbor.source_port != port);
        CHECK(bench.until([&] { return bench.session().source_port == neighbor.source_port; }));
        bench.stop();
    });
}

TEST_CASE("a link-local neighbour is on the interface of the source address, or on that where it was heard" *
          mainstay::test::kNeedsRoot) {
    on_cable([] {
        using mainstay::test::ip;
        REQUIRE(ip("addr add fe80::1/64 dev eth0 nodad"));
        LinkLocalNeighbor neighbor;
        const auto six = instance("six", "neighbor_ip fe80::2");
        {
            Bench bench;
            bench.start(six);  // there is one link-local address here
            CHECK(bench.until_heard(neighbor, BfdState::Down));
            bench.stop();
        }
        REQUIRE(ip("link add d0 type veth peer name d1"));
        for (const char* command : {"link set d0 up", "link set d1 up", "addr add fe80::3/64 dev d0 nodad"})
            REQUIRE(ip(command));
        while (neighbor.heard()) {
        }
        {
            Bench bench;
            bench.start(six);
            CHECK(bench.until([&] {
                return bench.runtime.log_.count(
                           "the neighbour fe80::2 is a link-local address and more than one "
                           "interface could lead to it: ") == 1;
            }));
            CHECK_FALSE(neighbor.heard());
            neighbor.send_down();
            CHECK(bench.until_heard(neighbor, BfdState::Init));
            bench.stop();
        }
        while (neighbor.heard()) {
        }
        Bench bench;
        bench.start(instance("six", "neighbor_ip fe80::2\nsource_ip fe80::1"));
        CHECK(bench.until_heard(neighbor, BfdState::Down));
        bench.stop();
    });
}

TEST_CASE("a neighbour that cannot be reached is named once" * mainstay::test::kNeedsRoot) {
    on_cable([] {
        Bench bench;
        bench.start(instance("peer", "neighbor_ip 192.0.2.1") + instance("six", "neighbor_ip fe80::9"));
        CHECK(bench.until([&] { return bench.runtime.log_.count("192.0.2.1") >= 1; }));
        CHECK(bench.until([&] {
            return bench.runtime.log_.count(
                       "the neighbour fe80::9 is a link-local address and no interface has the source address: give "
                       "its session the link-local address of its interface as source_ip") == 1;
        }));
        bench.runtime.loop_.restart();
        bench.runtime.loop_.run_for(2500ms);
        CHECK(bench.runtime.log_.count("the neighbour fe80::9 ") == 1);
        bench.stop();
    });
}

TEST_CASE("a neighbour that cannot be reached again is named again" * mainstay::test::kNeedsRoot) {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.start(kPeer);
        const auto named = [&] { return bench.runtime.log_.count("10.0.0.2"); };
        for (std::size_t times = 1; times <= 2; ++times) {
            REQUIRE(bench.until_heard(neighbor, BfdState::Down));
            REQUIRE(mainstay::test::ip("link set eth0 down"));
            CHECK(bench.until([&] { return named() == times; }));
            const auto sent = bench.session().counters.sent;
            CHECK(bench.until([&] { return bench.session().counters.sent > sent + 1; }));
            CHECK(named() == times);
            while (neighbor.heard()) {
            }
            REQUIRE(mainstay::test::ip("link set eth0 up"));
        }
        bench.stop();
    });
}

namespace {

// Sessions that send nothing within a test's patience: what they do follows from what they hear.
std::string slow(const std::string& name, const std::string& more) {
    return "bfd_instance " + name + " {\n" + more +
           "\nsource_ip 10.0.0.1\nmin_rx 200\nmin_tx 60000\nidle_tx 60000\n}\n";
}

bool can_listen(std::uint16_t port) {
    const UniqueFd other{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const auto own = Neighbor::at(0, port);
    return ::bind(other.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0;
}

}  // namespace

TEST_CASE("packets are read when they come, on each port that a session of the configuration has" *
          mainstay::test::kNeedsRoot) {
    on_cable([] {
        Neighbor one{2}, far{3, 4784, 64};
        Bench bench;
        const auto single = slow("peer", "neighbor_ip 10.0.0.2");
        const auto multihop = slow("far", "neighbor_ip 10.0.0.3\nmultihop\nmax_hops 255");
        bench.start(single);
        bench.connect(To::Vrrp);
        bench.reload(multihop + single);
        static_cast<void>(Bench::received(bench.vrrp));
        far.send_state(BfdState::Down);
        CHECK(bench.until([&] { return bench.session(0).state == BfdState::Init; }));
        one.send_state(BfdState::Down);
        CHECK(bench.until([&] { return bench.session(1).state == BfdState::Init; }));
        REQUIRE(bench.until([&] { return one.heard().has_value(); }));
        one.send_state(BfdState::Up);
        Texts told;
        CHECK(bench.until([&] {
            if (told.empty()) told = Bench::received(bench.vrrp);
            return !told.empty();
        }));
        CHECK(told == Texts{"peer up"});
        CHECK(bench.session(1).state == BfdState::Up);  // a transition is published with the report of it
        CHECK_FALSE(can_listen(3784));
        CHECK_FALSE(can_listen(4784));
        bench.reload(multihop);
        CHECK(can_listen(3784));
        CHECK_FALSE(can_listen(4784));
        bench.stop();
        CHECK(can_listen(4784));
        static_cast<void>(Bench::received(bench.vrrp));
        std::array<std::byte, 8> room{};
        CHECK(::recv(bench.vrrp.get(), room.data(), room.size(), MSG_DONTWAIT) == 0);  // its end is closed
    });
}

TEST_CASE("two processes have different discriminators" * mainstay::test::kNeedsRoot) {
    std::set<std::uint32_t> all;
    for (int n = 0; n < 2; ++n)
        on_cable([&] {
            Bench bench;
            bench.start(kPeer);
            all.insert(bench.session().discriminator);
            bench.stop();
        });
    CHECK(all.size() == 2);
}

TEST_CASE("a stop before the start, and what comes after the stop, do nothing" * mainstay::test::kNeedsRoot) {
    on_cable([] {
        Bench early, bench;
        early.stop();
        early.role->commit();
        Neighbor neighbor{2};
        bench.start(kPeer);
        bench.stop();
        CHECK(bench.until_heard_stop(neighbor));
        CHECK(bench.session().state == BfdState::Down);
        const auto sent = bench.session().counters.sent;
        bench.runtime.loop_.restart();
        bench.runtime.loop_.run_for(50ms);
        bench.role->save_state();
        CHECK(bench.session().counters.sent == sent);
    });
}

TEST_CASE("the role keeps the rights that large buffers and its own priority need") {
    const auto traits = bfd_traits();
    CHECK(traits.capabilities == std::vector<unsigned>{12, 23});
    CHECK(traits.calls == std::vector{kernel::CallSet::Schedule});
    CHECK(traits.kind == Kind::Bfd);
    CHECK_FALSE(traits.has_ring);
}
