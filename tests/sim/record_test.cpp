// Flight records of random histories replay identically, and what is changed in them is found.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "lan.hpp"
#include "mainstay/record/reader.hpp"
#include "mainstay/record/replay.hpp"

using namespace mainstay;
using namespace mainstay::sim;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kHistories = 15;
#else
constexpr std::uint64_t kHistories = 100;
#endif
constexpr std::size_t kWhole = 8U << 20, kSmall = 80 * 1024;

std::vector<std::byte> file_of(const Host& host) {
    const auto file = record::file_of_memory(std::as_bytes(std::span{host.record}), {});
    REQUIRE(file);
    return *file;
}

record::Outcome replayed(const record::Record& record) {
    const auto outcome = record::replay(record, kRecordVersion, {});
    REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().text()));
    return *outcome;
}

std::string text_of(const record::Outcome& outcome) {
    if (!outcome.difference) return "identical";
    std::string text = fmt::format("{}: recorded {}, replayed {}", outcome.difference->fact,
                                   outcome.difference->recorded, outcome.difference->replayed);
    for (const auto& line : outcome.difference->lines) text += "; " + line;
    return text;
}

Lan recorded(std::uint64_t seed, std::size_t bytes) {
    Lan lan{seed, {}};
    lan.record(bytes);
    lan.run(Nanos{lan.plan().interval} * (bytes == kSmall ? 800 : 200));
    return lan;
}

}  // namespace

TEST_CASE("records of random histories replay identically") {
    record::Outcome sum;
    std::uint64_t overwritten = 0;
    for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
        // Some with a memory that is overwritten again and again: they begin with a key frame in mid-life.
        Lan lan = recorded(seed, seed % 2 == 0 ? kWhole : kSmall);
        for (Host& host : lan.hosts()) {
            CAPTURE(seed);
            CAPTURE(host.index);
            const auto record = record::read_record(file_of(host));
            REQUIRE(record);
            const auto outcome = replayed(*record);
            CHECK(text_of(outcome) == "identical");
            sum.facts += outcome.facts;
            sum.intents += outcome.intents;
            sum.segments += outcome.segments;
            if (host.recorder->statistics().key_frames > 2) ++overwritten;  // there are two segments
        }
    }
    CHECK(sum.facts > kHistories * 500);
    CHECK(sum.intents > kHistories * 100);
    CHECK(overwritten > 0);
    MESSAGE(fmt::format("{} facts, {} intents, {} segments", sum.facts, sum.intents, sum.segments));
}

TEST_CASE("a recorder changes no history") {
    Lan with = recorded(7, kSmall);
    Lan without{7, {}};
    without.run(Nanos{without.plan().interval} * 800);
    CHECK(with.statistics().steps == without.statistics().steps);
    CHECK(with.statistics().packets == without.statistics().packets);
    CHECK(with.statistics().transitions == without.statistics().transitions);
}

TEST_CASE("no password is in a record") {
    std::size_t seen = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Lan lan = recorded(seed, kWhole);
        for (const Host& host : lan.hosts())
            for (const auto& instance : host.config.instances) {
                if (instance.auth_pass.empty()) continue;
                ++seen;
                const auto file = file_of(host);
                const auto secret = std::as_bytes(std::span{instance.auth_pass});
                CHECK(std::ranges::search(file, secret).empty());
            }
    }
    CHECK(seen > 0);
}
