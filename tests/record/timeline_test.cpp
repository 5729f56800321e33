// Both parts of a record, in the order of time.
#include "mainstay/record/replay.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "../lvs/builders.hpp"
#include "bench.hpp"
#include "mainstay/record/recorded.hpp"

using namespace mainstay;
using namespace mainstay::record;
using namespace mainstay::record::test;

namespace {

constexpr std::int64_t kBegin = 1'700'000'000'000'000;  // of the router's bench

struct JudgeBench {
    JudgeBench() { judge.record(&recorder); }
    [[nodiscard]] static lvs::Moment after(Nanos since) {
        return {Instant{1000s} + since, {kBegin + since / Micros{1}}};
    }
    void start() {
        config::Config config;
        config.virtual_servers.push_back(lvs::test::service({lvs::test::checked("10.1.0.1")}));
        (void)judge.start(config, {}, after(0s));
    }
    std::vector<std::uint64_t> memory = std::vector<std::uint64_t>(1U << 17);
    JudgeRecorder recorder{std::as_writable_bytes(std::span{memory}), Bench::kVersion};
    RecordedJudge judge{[](Micros) { return Micros{0}; }};
};

Record record_of(const Bench& router, const JudgeBench& judge) {
    const std::array memories{std::as_bytes(std::span{router.memory}), std::as_bytes(std::span{judge.memory})};
    return read_record(file_of_memories(memories, {}).value()).value();
}

struct Timeline {
    std::vector<std::string> lines;
    Listeners listeners{
        .on_step = [this](const ReplayedStep& s) { add(s.at, "router: " + describe_fact(s.entry)); },
        .on_key_frame = [this](WallTime at, const vrrp::Router&, bool) { add(at, "router begins"); },
        .on_judge_step = [this](const ReplayedJudgeStep& s) { add(s.at, "judge: " + describe_fact(s.entry, s.judge)); },
        .on_judge_key_frame = [this](WallTime at, const lvs::Judge&, bool) { add(at, "judge begins"); }};

    void add(WallTime at, const std::string& what) {
        lines.push_back(fmt::format("{} {}", (at.unix_us - kBegin) / 1000, what));  // in ms
    }
};

}  // namespace

TEST_CASE("facts of both parts come in the order of time, at the same moment the router's first") {
    Bench router;
    JudgeBench judge;
    router.start();
    judge.start();
    (void)judge.judge.step(lvs::DeadlineReached{}, JudgeBench::after(2s));
    router.pass(4s);  // takes over after 3.609 s
    (void)judge.judge.step(lvs::AddressesChanged{}, JudgeBench::after(4s));
    router.give(vrrp::HostFacts{.interfaces = {eth0()}, .sources = {{eth0().addresses[0], "eth1", false}}});
    (void)judge.judge.stop(false, JudgeBench::after(5s));

    Timeline timeline;
    const auto outcomes = replay_in_order(record_of(router, judge), Bench::kVersion, timeline.listeners);
    REQUIRE(outcomes);
    CHECK(timeline.lines == std::vector<std::string>{
                                "0 router begins",
                                "0 router: interface eth0 is up, with 10.0.0.1",
                                "0 router: start",
                                "0 judge begins",
                                "0 judge: start, with 1 virtual server",
                                "2000 judge: a deadline",
                                "3609 router: a deadline",
                                "4000 router: interface eth0 is up, with 10.0.0.1; "
                                "source address 10.0.0.1 for eth1 is absent",
                                "4000 judge: the host has 0 addresses",
                                "5000 judge: stop",
                            });
    CHECK(outcomes->router.facts == 4);
    CHECK(outcomes->judge.facts == 4);
    CHECK_FALSE(outcomes->router.difference);
    CHECK_FALSE(outcomes->judge.difference);
}

TEST_CASE("a difference in one part ends that part only") {
    Bench router;
    JudgeBench judge;
    router.start();
    judge.start();
    router.pass(20s);
    (void)judge.judge.stop(false, JudgeBench::after(30s));
    auto record = record_of(router, judge);
    // The digest of the last entry, whose intents are one advert.
    record.segments.at(0).bytes.back() ^= std::byte{1};

    Timeline timeline;
    const auto outcomes = replay_in_order(record, Bench::kVersion, timeline.listeners);
    REQUIRE(outcomes);
    CHECK(outcomes->router.difference);
    CHECK_FALSE(outcomes->judge.difference);
    CHECK(timeline.lines.back() == "30000 judge: stop");
}

TEST_CASE("a part that is absent has no facts, and another version is refused") {
    JudgeBench judge;
    judge.start();
    Bench router;
    router.start();
    auto record = record_of(router, judge);
    CHECK(replay_in_order(record, "1.2.4", {}).error().text() ==
          "the record is from version 1.2.3; this is version 1.2.4, and only the same version can replay it");
    record.segments.clear();
    const auto outcomes = replay_in_order(record, Bench::kVersion, {});
    REQUIRE(outcomes);
    CHECK(outcomes->router.facts == 0);
    CHECK(outcomes->judge.facts == 1);
}
