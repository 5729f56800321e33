// When answers of a source of real servers count.
#include "mainstay/lvs/discovery.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace mainstay;
using namespace mainstay::lvs;
using namespace std::chrono_literals;

namespace {

KnownServers last_octets(std::initializer_list<unsigned> last) {
    KnownServers list;
    for (const unsigned one : last) list.push_back({IpAddress::v4(0x0A000000U + one), 80, std::nullopt});
    return list;
}

KnownServers first(unsigned count) {
    KnownServers list;
    for (unsigned i = 1; i <= count; ++i) list.push_back({IpAddress::v4(0x0A000000U + i), 80, std::nullopt});
    return list;
}

// Time begins at 1000 s; the wall clock says the same.
struct DiscoveryBench {
    explicit DiscoveryBench(const config::DiscoveryRules& rules = {}) : set{rules} {}
    DiscoveredSet set;
    Instant now{1000s};

    [[nodiscard]] WallTime wall() const { return {std::chrono::duration_cast<Micros>(now.time_since_epoch()).count()}; }
    bool answer(KnownServers list) {
        set.answer(std::move(list), now, wall());
        return set.step(now);
    }
    bool after(Nanos time) {
        now += time;
        return set.step(now);
    }
};

}  // namespace

TEST_CASE("the first answer counts at once, and a later one after the debounce") {
    DiscoveryBench bench;
    CHECK(bench.answer(last_octets({2, 1})));
    CHECK(bench.set.servers() == last_octets({1, 2}));
    CHECK_FALSE(bench.set.deadline());

    CHECK_FALSE(bench.answer(last_octets({1, 2, 3})));
    CHECK(bench.set.deadline() == Instant{1002s});
    CHECK_FALSE(bench.after(1999ms));
    CHECK(bench.set.servers() == last_octets({1, 2}));
    CHECK(bench.after(1ms));
    CHECK(bench.set.servers() == last_octets({1, 2, 3}));
    CHECK_FALSE(bench.set.deadline());
}

TEST_CASE("the debounce begins with the first change, however many follow, and the last one counts") {
    DiscoveryBench bench;
    bench.answer(last_octets({1, 2}));
    bench.answer(last_octets({1, 2, 3}));
    for (unsigned i = 4; i < 7; ++i) {
        CHECK_FALSE(bench.after(600ms));
        bench.answer(last_octets({1, 2, i}));
    }
    CHECK(bench.now == Instant{1001800ms});
    CHECK(bench.after(200ms));
    CHECK(bench.set.servers() == last_octets({1, 2, 6}));
}

TEST_CASE("an answer as before ends what waits") {
    DiscoveryBench bench;
    bench.answer(last_octets({1, 2}));
    bench.answer(last_octets({1, 2, 3}));
    CHECK_FALSE(bench.answer(last_octets({1, 2})));
    CHECK_FALSE(bench.set.deadline());
    CHECK_FALSE(bench.after(10s));
}

TEST_CASE("another weight is a change") {
    DiscoveryBench bench;
    bench.answer(last_octets({1}));
    auto heavier = last_octets({1});
    heavier[0].weight = 7;
    bench.answer(heavier);
    CHECK(bench.after(2s));
    CHECK(bench.set.servers()[0].weight == 7);
}

TEST_CASE("an answer that removes more than half is held for ten minutes, one that removes half is not") {
    DiscoveryBench bench;
    bench.answer(first(4));
    bench.answer(last_octets({3, 4, 5}));
    CHECK(bench.set.hold() == HoldReason::None);
    CHECK(bench.after(2s));

    bench.answer(last_octets({5}));
    CHECK(bench.set.hold() == HoldReason::TooManyRemoved);
    CHECK(bench.set.held()->size() == 1);
    CHECK(bench.set.held_since() == WallTime{1'002'000'000});
    CHECK(bench.set.servers() == last_octets({3, 4, 5}));
    CHECK(bench.set.holds() == 1);
    CHECK(bench.set.deadline() == Instant{1602s});
    CHECK_FALSE(bench.after(599s));
    CHECK(bench.after(1s));
    CHECK(bench.set.servers() == last_octets({5}));
    CHECK(bench.set.hold() == HoldReason::None);
}

TEST_CASE("new servers in the place of all others are a removal, whatever their number") {
    DiscoveryBench bench;
    bench.answer(last_octets({1, 2}));
    bench.answer(last_octets({3, 4, 5, 6}));
    CHECK(bench.set.hold() == HoldReason::TooManyRemoved);
}

TEST_CASE("the only address of a name moves") {
    DiscoveryBench bench;
    bench.answer(last_octets({1}));
    bench.answer(last_octets({2}));
    CHECK(bench.after(2s));
    CHECK(bench.set.servers() == last_octets({2}));
}

TEST_CASE("max_removal is the percentage that may go; one server may go unless it is 0") {
    const auto holds = [](std::uint32_t percent, unsigned left, unsigned known = 10) {
        DiscoveryBench bench{{.max_removal = percent}};
        bench.answer(first(known));
        bench.answer(first(left));
        return bench.set.hold() != HoldReason::None;
    };
    CHECK_FALSE(holds(10, 4, 5));
    CHECK(holds(10, 3, 5));
    CHECK_FALSE(holds(1, 2, 3));
    CHECK(holds(0, 2, 3));
    CHECK(holds(0, 9));
    CHECK_FALSE(holds(10, 9));
    CHECK(holds(10, 8));
    CHECK_FALSE(holds(30, 7));
    CHECK(holds(30, 6));
    CHECK_FALSE(holds(100, 1));
}

TEST_CASE("an empty answer is held for ever, unless hold_empty says how long") {
    DiscoveryBench bench{{.max_removal = 100}};
    bench.answer(last_octets({1, 2}));
    bench.answer({});
    CHECK(bench.set.hold() == HoldReason::Empty);
    CHECK_FALSE(bench.set.deadline());
    CHECK_FALSE(bench.after(std::chrono::hours{24 * 365}));
    CHECK(bench.set.servers() == last_octets({1, 2}));

    bench.set.set_rules({.max_removal = 100, .hold_empty = Micros{30'000'000}}, bench.now);
    CHECK(bench.set.step(bench.now));
    CHECK(bench.set.servers().empty());
    CHECK_FALSE(bench.answer({}));
    CHECK(bench.set.hold() == HoldReason::None);
}

TEST_CASE("an answer with fewer than min_servers is held like an empty one") {
    DiscoveryBench bench{{.max_removal = 100, .min_servers = 3, .hold_empty = Micros{5'000'000}}};
    bench.answer(first(4));
    bench.answer(first(3));
    CHECK(bench.set.hold() == HoldReason::None);
    bench.after(2s);
    bench.answer(first(2));
    CHECK(bench.set.hold() == HoldReason::TooFew);
    CHECK_FALSE(bench.after(4999ms));
    CHECK(bench.after(1ms));
    CHECK(bench.set.servers() == first(2));
}

TEST_CASE("while no servers are known a few are better than none, and none is held") {
    DiscoveryBench bench{{.min_servers = 3}};
    bench.answer({});
    CHECK(bench.set.hold() == HoldReason::Empty);
    CHECK(bench.answer(first(1)));
    CHECK(bench.set.servers() == first(1));
    CHECK(bench.set.hold() == HoldReason::None);
}

TEST_CASE("the hold begins anew with another answer, and an error ends the count") {
    DiscoveryBench bench;
    bench.answer(first(4));
    bench.answer(first(1));
    bench.after(500s);
    bench.answer(last_octets({2}));
    CHECK(bench.set.holds() == 2);
    CHECK(bench.set.deadline() == Instant{2100s});
    bench.set.fail();
    CHECK_FALSE(bench.set.deadline());
    CHECK_FALSE(bench.after(700s));
    bench.answer(last_octets({2}));
    CHECK(bench.set.deadline() == Instant{2800s});
    CHECK(bench.set.servers() == first(4));
    CHECK(bench.set.holds() == 2);
}

TEST_CASE("a good answer ends a hold, and so does one as before") {
    DiscoveryBench bench;
    bench.answer(first(4));
    bench.answer(first(1));
    bench.answer(first(4));
    CHECK(bench.set.hold() == HoldReason::None);
    bench.answer(first(1));
    bench.answer(first(3));
    CHECK(bench.set.hold() == HoldReason::None);
    CHECK(bench.after(2s));
    CHECK(bench.set.servers() == first(3));
}

TEST_CASE("a good answer that waits counts although a bad one follows it") {
    DiscoveryBench bench;
    bench.answer(first(3));
    bench.answer(first(4));
    bench.after(1s);
    bench.answer({});
    CHECK(bench.after(1s));
    CHECK(bench.set.servers() == first(4));
    CHECK(bench.set.hold() == HoldReason::Empty);
}

TEST_CASE("the servers of an earlier process are in force until the first answer, which is compared with them") {
    DiscoveryBench bench;
    bench.set.recall(first(4), WallTime{77});
    CHECK(bench.set.servers() == first(4));
    CHECK(bench.set.last_good() == WallTime{77});
    CHECK_FALSE(bench.answer(first(1)));
    CHECK(bench.set.hold() == HoldReason::TooManyRemoved);
    CHECK(bench.set.servers() == first(4));
    CHECK(bench.answer(first(5)));  // no debounce: the first good answer
    CHECK(bench.set.last_good() == WallTime{1'000'000'000});
    bench.set.recall(first(2), {});
    CHECK(bench.set.servers() == first(5));
}

TEST_CASE("rules that allow it let a held answer count after the debounce") {
    DiscoveryBench bench;
    bench.answer(first(4));
    bench.answer(first(1));
    bench.set.set_rules({.max_removal = 80}, bench.now);
    CHECK(bench.set.hold() == HoldReason::None);
    CHECK(bench.after(2s));
    CHECK(bench.set.servers() == first(1));
}

TEST_CASE("rules that forbid it hold an answer that waits, unless a later one is held already") {
    for (const bool later : {false, true}) {
        CAPTURE(later);
        DiscoveryBench bench;
        bench.answer(first(4));
        bench.answer(first(2));
        if (later) bench.answer(first(1));
        bench.set.set_rules({.min_servers = 3}, bench.now);
        CHECK(bench.set.hold() == HoldReason::TooFew);  // the reason is that of the new rules
        REQUIRE(bench.set.held());
        CHECK(*bench.set.held() == first(later ? 1 : 2));
        CHECK(bench.set.holds() == 1);
        CHECK_FALSE(bench.after(2s));
        CHECK(bench.set.servers() == first(4));
    }
}

TEST_CASE("the time of the last good answer is that of one in force or of one that waits") {
    DiscoveryBench bench;
    bench.answer(first(2));
    CHECK(bench.set.last_good() == WallTime{1'000'000'000});
    bench.after(5s);
    bench.answer(first(2));
    CHECK(bench.set.last_good() == WallTime{1'005'000'000});
    bench.after(5s);
    bench.answer({});
    bench.set.fail();
    CHECK(bench.set.last_good() == WallTime{1'005'000'000});
    bench.answer(first(3));
    CHECK(bench.set.last_good() == WallTime{1'010'000'000});
}

TEST_CASE("removed servers are counted by address and port") {
    auto moved = first(2);
    moved[1].port = 81;
    CHECK(removed_servers(first(3), first(3)) == 0);
    CHECK(removed_servers(first(3), first(1)) == 2);
    CHECK(removed_servers(first(2), moved) == 1);
    CHECK(removed_servers({}, first(2)) == 0);
    CHECK(removed_servers(first(2), {}) == 2);
    moved[1] = first(2)[1];
    moved[1].weight = 5;
    CHECK(removed_servers(first(2), moved) == 0);
}
