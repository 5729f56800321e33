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

    CHECK(problems(bench) ==
          std::vector<PeerProblem>{{"advert_interval", ip("10.0.0.3"), t0 + 2s, 2,
                                    "advertisement interval mismatch with 10.0.0.2 mine=1 sec rcv'd=2 sec"},
                                   {"version", ip("10.0.0.2"), t0 + 3s, 1,
                                    "received a version 3 packet from 10.0.0.2, expecting version 2"}});
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
