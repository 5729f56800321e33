// Two directors with one session between them and a false network in the middle: loss, delay, duplication, cuts (also
// one-way), restarts with and without the state block, changes of settings. One seed makes one history.
#include <doctest/doctest.h>

#include <array>
#include <queue>
#include <random>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::bfd;
using namespace mainstay::bfd::test;

namespace {

struct Network {
    unsigned loss = 0, duplication = 0;  // per mille
    Nanos delay_max = 1ms;
    bool reorders = false;
    std::array<bool, 2> cut{};  // what node i sends does not arrive
};

class Pair {
public:
    explicit Pair(std::uint64_t seed, Network network_ = {}) : network{network_}, random_{seed} {
        for (std::size_t i = 0; i < 2; ++i) {
            nodes[i].settings = settings("peer", i == 0 ? "10.0.0.2" : "10.0.0.1");
            restart(i, false);
        }
    }

    struct Node {
        Settings settings;
        std::optional<Sessions> sessions;  // none while crashed
        SessionsSnapshot block;
        std::vector<std::pair<Nanos, bool>> told;  // when, and whether up
    };

    void pass(Nanos how_long) {
        const Instant end = now + how_long;
        while (now < end && violation.empty()) {
            Instant next = end;
            for (const Node& node : nodes)
                if (node.sessions) next = std::min(next, std::max(now, node.sessions->deadline().value_or(end)));
            const bool arrives = !packets_.empty() && packets_.top().at <= next;
            now = arrives ? packets_.top().at : next;
            if (arrives) {
                const Packet packet = packets_.top();
                packets_.pop();
                give(packet.to, PacketHeard{address(1 - packet.to), address(packet.to), 255, false, packet.payload});
            } else {
                for (std::size_t i = 0; i < 2; ++i) give(i, DeadlineReached{});
            }
        }
    }
    void crash(std::size_t i) { nodes[i].sessions.reset(); }
    void restart(std::size_t i, bool with_block) {
        nodes[i].sessions.emplace(std::vector{nodes[i].settings},
                                  [this] { return static_cast<std::uint32_t>(random_() >> 32); });
        carry_out(i, nodes[i].sessions->start(now, with_block ? &nodes[i].block : nullptr));
    }
    void reload(std::size_t i) {
        static constexpr std::array kIntervals{10ms, 15ms, 40ms, 100ms, 250ms};
        Settings& s = nodes[i].settings;
        s.min_tx = kIntervals.at(draw(5));
        s.min_rx = kIntervals.at(draw(5));
        s.multiplier = static_cast<std::uint8_t>(3 + draw(4));
        if (nodes[i].sessions) carry_out(i, nodes[i].sessions->reload({s}, now));
    }
    void give(std::size_t i, const Fact& fact) {
        if (nodes[i].sessions) carry_out(i, nodes[i].sessions->step(fact, now));
    }
    [[nodiscard]] SessionSnapshot state(std::size_t i) const { return nodes[i].block.sessions.at(0); }
    [[nodiscard]] bool both(State wanted) const { return state(0).state == wanted && state(1).state == wanted; }
    [[nodiscard]] std::uint64_t downs() const { return state(0).counters.went_down + state(1).counters.went_down; }
    std::uint64_t draw(std::uint64_t below) { return random_() % below; }

    Network network;
    std::array<Node, 2> nodes;
    Instant now = t0;
    std::string violation;

private:
    struct Packet {
        Instant at;
        std::uint64_t order = 0;
        std::size_t to = 0;
        std::vector<std::byte> payload;
        bool operator>(const Packet& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
    };

    static IpAddress address(std::size_t i) { return ip(i == 0 ? "10.0.0.1" : "10.0.0.2"); }

    void carry_out(std::size_t i, const Intents& intents) {
        for (const Intent& intent : intents) {
            if (const auto* packet = std::get_if<SendPacket>(&intent)) transmit(i, *packet);
            if (const auto* tell = std::get_if<ReportState>(&intent)) nodes[i].told.emplace_back(now - t0, tell->up);
        }
        nodes[i].block = nodes[i].sessions->snapshot();
        check(i);
    }
    void transmit(std::size_t from, const SendPacket& packet) {
        const int copies = draw(1000) < network.loss || network.cut[from] ? 0
                           : draw(1000) < network.duplication             ? 2
                                                                          : 1;
        for (int copy = 0; copy < copies; ++copy) {
            const Nanos delay{static_cast<std::int64_t>(draw(static_cast<std::uint64_t>(network.delay_max.count())))};
            Instant at = now + delay;
            if (!network.reorders) at = last_[from] = std::max(at, last_[from]);
            packets_.push({at, ++order_, 1 - from, {packet.payload.begin(), packet.payload.end()}});
        }
    }
    void require(bool holds, std::size_t i, const char* what) {
        if (!holds && violation.empty()) violation = fmt::format("node {} at {}: {}", i, (now - t0).count(), what);
    }
    // What holds after every step.
    void check(std::size_t i) {
        const SessionSnapshot s = state(i);
        const auto deadline = nodes[i].sessions->deadline();
        const bool alive = s.state == State::Init || s.state == State::Up;
        require(deadline.has_value() != nodes[i].sessions->finished(), i, "no deadline, or one after the end");
        require(!alive || (s.remote_discriminator != 0 && s.expires >= now), i, "alive without a neighbour");
        require(s.state == State::Up || !s.polling, i, "polls while it is not up");
        require(s.state == State::Up || s.transmit_interval == 0ms || s.transmit_interval >= 1s, i, "hurries");
        require(s.transmit_interval == 0ms || s.next_send <= now + s.transmit_interval, i, "sends too late");
        if (nodes[i].sessions->finished()) return;
        const auto& told = nodes[i].told;
        require((!told.empty() && told.back().second) == (s.state == State::Up), i, "told something else");
        require(s.counters.became_up - s.counters.went_down == (s.state == State::Up ? 1 : 0), i, "miscounts");
    }

    std::mt19937_64 random_;
    std::priority_queue<Packet, std::vector<Packet>, std::greater<>> packets_;
    std::uint64_t order_ = 0;
    std::array<Instant, 2> last_{};  // arrival of the last packet that node i sent
};

// Anything at all, for half a second.
void trouble(Pair& pair) {
    const std::size_t who = pair.draw(2);
    switch (pair.draw(9)) {
        case 0:
            pair.network.cut[who] = !pair.network.cut[who];
            break;
        case 1:
            pair.network.loss = static_cast<unsigned>(pair.draw(700));
            break;
        case 2:
            pair.network.duplication = static_cast<unsigned>(pair.draw(500));
            break;
        case 3:
        case 4:
        case 5:
            pair.reload(who);
            break;
        case 6:
            pair.network.reorders = !pair.network.reorders;
            break;
        default: {
            const bool with_block = pair.draw(2) == 0;
            pair.crash(who);
            pair.pass(Nanos{static_cast<std::int64_t>(pair.draw(300'000'000))});
            if (!with_block) pair.nodes[who].told.clear();
            pair.restart(who, with_block);
        }
    }
    pair.pass(Nanos{static_cast<std::int64_t>(pair.draw(500'000'000))});
}

}  // namespace

TEST_CASE("two sessions come up in a round trip, whichever begins") {
    Pair pair{1};
    pair.pass(3ms);
    CHECK(pair.both(State::Up));
    pair.pass(100ms);
    CHECK_FALSE(pair.state(0).polling);
    CHECK_FALSE(pair.state(1).polling);
    CHECK(pair.state(0).transmit_interval == 10ms);
    CHECK(pair.state(0).detection_time == 50ms);
}

TEST_CASE("without loss no session goes down, however its settings change and the role dies") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        Pair pair{seed};
        pair.pass(200ms);
        REQUIRE(pair.both(State::Up));
        for (int change = 0; change < 20; ++change) {
            const std::size_t who = pair.draw(2);
            if (pair.draw(3) == 0) {
                pair.crash(who);
                pair.pass(pair.state(who).transmit_interval);
                pair.restart(who, true);
            } else {
                pair.reload(who);
            }
            pair.pass(Nanos{static_cast<std::int64_t>(pair.draw(600'000'000))});
        }
        CHECK(pair.violation == "");
        CHECK(pair.downs() == 0);
    }
}

TEST_CASE("a cut in one direction takes both down within the detection time, and they come back when it heals") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Pair pair{seed};
        pair.pass(200ms);
        const std::size_t deaf = pair.draw(2);
        const Nanos cut_at = pair.now - t0;
        pair.network.cut[1 - deaf] = true;
        pair.pass(60ms);

        CHECK(pair.both(State::Down));
        CHECK(pair.nodes[deaf].told.back().first - cut_at <= 51ms);
        CHECK(pair.nodes[1 - deaf].told.back().first - cut_at <= 52ms);
        CHECK(pair.state(deaf).diagnostic == Diagnostic::DetectionTimeExpired);
        CHECK(pair.state(1 - deaf).diagnostic == Diagnostic::NeighborDown);

        pair.network.cut = {};
        pair.pass(1100ms);
        CHECK(pair.both(State::Up));
        CHECK(pair.violation == "");
    }
}

TEST_CASE("a role that died without its state block is noticed at once, and both come back") {
    Pair pair{7};
    pair.pass(200ms);
    pair.crash(0);
    pair.nodes[0].told.clear();
    pair.restart(0, false);
    pair.pass(2ms);
    CHECK(pair.state(1).counters.went_down == 1);
    pair.pass(1100ms);
    CHECK(pair.both(State::Up));
    CHECK(pair.violation == "");
}

TEST_CASE("an orderly stop reaches the neighbour with one packet") {
    Pair pair{3};
    pair.pass(200ms);
    pair.give(0, Shutdown{});
    pair.pass(1ms);
    CHECK(pair.state(1).state == State::Down);
    CHECK(pair.state(1).remote_diagnostic == Diagnostic::AdministrativelyDown);
}

TEST_CASE("whatever happens, the invariants hold, and in the end both are up") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        Pair pair{seed};
        for (int i = 0; i < 20; ++i) trouble(pair);
        pair.network = {};
        pair.pass(3s);

        CHECK(pair.violation == "");
        CHECK(pair.both(State::Up));
        const std::uint64_t downs = pair.downs();
        pair.pass(2s);
        CHECK(pair.downs() == downs);
    }
}
