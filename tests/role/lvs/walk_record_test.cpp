// Flight records of random walks replay identically, also from the middle and over the death of a process.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "mainstay/record/replay.hpp"
#include "walk.hpp"

using namespace mainstay;
using namespace mainstay::role::test;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kRecordedWalks = 15;
#else
constexpr std::uint64_t kRecordedWalks = 100;
#endif
constexpr int kRecordedSteps = 60;
constexpr std::size_t kWhole = 8U << 20, kSmall = 80 * 1024;

std::string text_of(const record::Outcome& outcome) {
    if (!outcome.difference) return "identical";
    std::string text = fmt::format("{}: recorded {}, replayed {}", outcome.difference->fact,
                                   outcome.difference->recorded, outcome.difference->replayed);
    for (const auto& line : outcome.difference->lines) text += "; " + line;
    return text;
}

// Of a server that leaves, a record has only what the table and the log need.
std::vector<lvs::ServiceState> comparable(std::vector<lvs::ServiceState> states) {
    for (auto& service : states)
        for (auto& one : service.leaving) {
            one.server.checkers.clear();
            one.server.notify_up = one.server.notify_down = config::Command{};
            one.server.more = config::ExtraSettings{};
        }
    return states;
}

// A judge that is made of the state of another one is the same, as far as anybody can see.
void check_resumed(const lvs::Judge& judge) {
    ByteWriter counted{{}};
    judge.save(counted);
    std::vector<std::byte> bytes(counted.size());
    ByteWriter out{bytes};
    judge.save(out);
    ByteReader in{bytes};
    config::Config config;
    config.global = judge.global();
    config.virtual_servers = judge.services();
    const auto twin = lvs::Judge::resume([](Micros) { return Micros{0}; }, std::move(config), in);
    REQUIRE(twin);
    CHECK(in.left() == 0);
    CHECK(twin->deadline() == judge.deadline());
    CHECK(comparable(twin->states()) == comparable(judge.states()));
    CHECK(twin->desired() == judge.desired());
    CHECK(twin->overrides() == judge.overrides());
    CHECK(twin->mark_table() == judge.mark_table());
    CHECK(twin->lines_left_out() == judge.lines_left_out());
    std::vector<std::byte> again(bytes.size());
    ByteWriter second{again};
    twin->save(second);
    CHECK(again == bytes);
}

}  // namespace

TEST_CASE("records of random walks replay identically") {
    record::Outcome sum;
    std::uint64_t overwritten = 0, commands = 0, changes = 0, steps = 0;
    for (std::uint64_t seed = 1; seed <= kRecordedWalks; ++seed) {
        CAPTURE(seed);
        // Some with a memory that is overwritten again and again: they begin with a key frame in mid-life.
        LvsWalk walk{seed, seed % 2 == 0 ? kWhole : kSmall};
        for (int i = 0; i < kRecordedSteps; ++i) REQUIRE(walk.step() == "");
        const auto record = record::read_record(record::file_of_memory(walk.record(), {}).value());
        REQUIRE(record);
        CHECK(record->segments.empty());
        const auto outcome =
            record::replay_judge(*record, record::program_version(), [&](const record::ReplayedJudgeStep& step) {
                commands += std::holds_alternative<lvs::ServerCommand>(step.entry.what) ? 1 : 0;
                changes += std::holds_alternative<record::JudgeChanged>(step.entry.what) ? 1 : 0;
                CHECK(record::describe_fact(step.entry, step.judge) != "");
                if (++steps % 8 == 0) check_resumed(step.judge);
            });
        REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().text()));
        CHECK(text_of(*outcome) == "identical");
        sum.facts += outcome->facts;
        sum.intents += outcome->intents;
        sum.gaps += outcome->gaps;
        if (record->judge_segments.back().number > 2) ++overwritten;  // there are two segments
    }
    CHECK(sum.facts > kRecordedWalks * 100);
    CHECK(sum.intents > kRecordedWalks * 100);
    CHECK(sum.gaps > 0);
    CHECK(overwritten > 0);
    CHECK(commands > 0);
    CHECK(changes > 0);
    MESSAGE(fmt::format("{} facts, {} intents, {} gaps, {} overwritten, {} commands, {} changes", sum.facts,
                        sum.intents, sum.gaps, overwritten, commands, changes));
}
