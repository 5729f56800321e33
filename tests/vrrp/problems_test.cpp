// What an instance remembers of the trouble with its peers.
#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

std::vector<PeerProblem> problems(const Bench& bench) { return bench.router.snapshot().instances.at(0).problems; }

Peer with_interval(Micros interval) {
    Peer peer{200};
    peer.packet.interval = interval;
    return peer;
}

}  // namespace

TEST_CASE("each kind of problem is kept with its last peer, time and count") {
    Bench bench = Bench::started(instance());

    (void)bench.hear(with_interval(2s), t0 + 1s);
    (void)bench.hear(with_interval(3s).from("10.0.0.3"), t0 + 2s);
    Peer version3 = Peer{200}.v3(1s);
    (void)bench.hear(version3, t0 + 3s);

    CHECK(
        problems(bench) ==
        std::vector<PeerProblem>{
            {"advert_interval", ip("10.0.0.3"), t0 + 2s, 2, "10.0.0.3 advertises every 3 s, this router every 1 s"},
            {"version", ip("10.0.0.2"), t0 + 3s, 1, "received a version 3 packet from 10.0.0.2, expecting version 2"}});
}

TEST_CASE("a rival master is kept as trouble with the time of its last advert") {
    Bench bench = Bench::master(instance(150));
    const Instant now = bench.taken_at + 5s;

    (void)bench.hear(Peer{100}, now);
    (void)bench.hear(Peer{90}, now + 1s);

    CHECK(problems(bench) ==
          std::vector<PeerProblem>{{"rival_master", ip("10.0.0.2"), now + 1s, 2,
                                    "10.0.0.2 is MASTER, too, with priority 90: it does not receive our "
                                    "adverts, or refuses them"}});
}

TEST_CASE("a master that refuses the adverts of another one logs two masters, again when they pause, and why") {
    Bench bench = Bench::master(instance(150));
    const Instant begin = bench.taken_at + 5s;
    Peer peer{100};
    peer.packet.auth_type = 1;
    const Lines warned{
        "warning: (VI_1) two masters: the adverts of another MASTER are refused: 10.0.0.2 advertises with auth_type "
        "PASS, this router with no authentication"};

    Lines first{"(VI_1) received a 1 auth from 10.0.0.2, expecting 0!"};
    first.push_back(warned[0]);
    CHECK(lines(bench.hear(peer, begin)) == first);
    CHECK(lines(bench.hear(peer, begin + 1s)).empty());
    CHECK(lines(bench.hear(peer, begin + 60s)) == warned);
    CHECK(problems(bench).at(0).text == "10.0.0.2 advertises with auth_type PASS, this router with no authentication");
    CHECK(problems(bench).at(0).count == 3);

    Peer leaving{0};
    leaving.packet.auth_type = 1;
    CHECK(lines(bench.hear(leaving, begin + 120s)).empty());
}

TEST_CASE("the next incarnation knows what trouble there was") {
    Bench bench = Bench::started(instance());
    (void)bench.hear(with_interval(2s), t0 + 1s);
    const auto before = bench.router.snapshot();

    Bench next{instance()};
    (void)next.router.step(link(), t0 + 2s);
    (void)next.router.start(t0 + 2s, &before);

    CHECK(problems(next) == before.instances[0].problems);
    CHECK(problems(next).size() == 1);
}
