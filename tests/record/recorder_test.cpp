#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::record;
using namespace mainstay::record::test;

namespace {

std::string why_not(const Result<Outcome>& outcome) { return outcome ? "" : outcome.error().text(); }

// Where the bytes of the last entry whose fact is `text` begin and end in the segment.
std::pair<std::size_t, std::size_t> place_of(const Segment& segment, const std::string& text) {
    SegmentReader reader{segment.bytes};
    const auto frame = reader.key_frame().value();
    ByteReader state{frame.state};
    REQUIRE(vrrp::Router::resume(frame.config, state));
    reader.entries_after(frame.state.size() - state.left());
    std::pair<std::size_t, std::size_t> place;
    for (std::size_t before = reader.position();; before = reader.position()) {
        const auto entry = reader.next().value();
        if (!entry) return place;
        if (describe_fact(*entry) == text) place = {before, reader.position()};
    }
}

Bench backup_that_takes_over() {
    Bench bench;
    bench.start();
    const auto higher = advert(51, 200);
    for (int n = 0; n < 3; ++n) {
        bench.now += 1s;
        bench.intents(bench.give(heard(higher)));
    }
    bench.pass(10s);
    return bench;
}

}  // namespace

TEST_CASE("a record replays identically, and says what was decided when") {
    const Bench bench = backup_that_takes_over();
    std::vector<std::string> lines;
    const auto outcome = replay(bench.record(), Bench::kVersion, [&](const ReplayedStep& step) {
        for (const auto& intent : step.intents)
            if (std::holds_alternative<vrrp::AddAddresses>(intent))
                lines.push_back(describe_fact(step.entry) + ": " + describe_intent(intent, step.router.config()));
    });

    REQUIRE_MESSAGE(outcome, why_not(outcome));
    CHECK_FALSE(outcome->difference);
    CHECK(outcome->intents == bench.seen);
    CHECK(outcome->segments == 1);
    CHECK(lines == std::vector<std::string>{"a deadline: (VI_1) add the virtual addresses"});
}

TEST_CASE("a packet that was heard before takes a few bytes") {
    Bench bench{1U << 20};
    bench.start();
    const auto higher = advert(51, 200);
    bench.give(heard(higher));
    const auto before = bench.record().segments.at(0).bytes.size();
    for (int n = 0; n < 100; ++n) {
        bench.now += 1s;
        bench.give(heard(higher));
    }
    CHECK(bench.record().segments.at(0).bytes.size() - before <= 1200);
}

TEST_CASE("a fact that was changed is the first difference") {
    Record record = backup_that_takes_over().record();
    auto& bytes = record.segments.at(0).bytes;
    // The priority of the only packet that is written in full: 200 becomes 0, and the checksum is right again.
    const auto first = advert(51, 200), changed = advert(51, 0);
    const auto found = std::ranges::search(bytes, first);
    REQUIRE_FALSE(found.empty());
    std::ranges::copy(changed, found.begin());

    const auto outcome = replay(record, Bench::kVersion, {});

    REQUIRE_MESSAGE(outcome, why_not(outcome));
    REQUIRE(outcome->difference);
    CHECK(outcome->difference->replayed != outcome->difference->recorded);
}

TEST_CASE("a digest that was changed is the first difference, with the fact and the replayed intents") {
    Record record = backup_that_takes_over().record();
    auto& bytes = record.segments.at(0).bytes;
    const auto [begin, end] = place_of(record.segments[0], "a deadline");
    REQUIRE(end > begin);
    bytes[end - 1] ^= std::byte{1};  // an entry ends with its digest

    const auto outcome = replay(record, Bench::kVersion, {});

    REQUIRE_MESSAGE(outcome, why_not(outcome));
    REQUIRE(outcome->difference);
    CHECK(outcome->difference->fact == "a deadline");
    CHECK(outcome->difference->recorded == "SendAdvert");
    CHECK(outcome->difference->lines == std::vector<std::string>{"(VI_1) send advert with priority 100"});
}

TEST_CASE("a state that was changed at a key frame is found") {
    Bench bench{64U << 10};
    bench.start();
    bench.pass(3000s);
    Record record = bench.record();
    REQUIRE(record.segments.size() == 2);
    CHECK_FALSE(replay(record, Bench::kVersion, {}).value().difference);
    SegmentReader reader{record.segments[1].bytes};
    const auto frame = reader.key_frame().value();
    CHECK(frame.continues);
    ByteReader state{frame.state};
    REQUIRE(vrrp::Router::resume(frame.config, state));
    const std::size_t end = record.segments[1].bytes.size() - state.left();
    record.segments[1].bytes[end - 3] ^= std::byte{1};  // of the offset of the clock

    const auto outcome = replay(record, Bench::kVersion, {});

    REQUIRE_MESSAGE(outcome, why_not(outcome));
    REQUIRE(outcome->difference);
    CHECK(outcome->difference->fact.empty());
}

TEST_CASE("the newest segment of a process that died is kept") {
    Bench first{256U << 10};
    first.start();
    first.pass(10s);
    Bench second{256U << 10};
    second.recorder =
        Recorder{std::as_writable_bytes(std::span{first.memory}), Bench::kVersion, [] { return WallTime{}; }};
    second.now = first.now;
    second.start();
    const auto outcome = replay(first.record(), Bench::kVersion, {});
    REQUIRE(outcome);
    CHECK(outcome->segments == 2);
    CHECK(outcome->gaps == 1);
    CHECK_FALSE(outcome->difference);
}

TEST_CASE("without a configuration that fits, nothing is recorded and that can be seen") {
    Bench bench{64U << 10, director(200)};
    bench.start();
    CHECK_FALSE(bench.recorder.works());
    CHECK(bench.recorder.statistics().key_frame_bytes > 32U << 10);
    CHECK(bench.file().error().text() == "nothing has been recorded yet");
    const auto memory = std::as_bytes(std::span{bench.memory});
    CHECK(unwritten_key_frame(memory) == bench.recorder.statistics().key_frame_bytes);
    auto damaged = bench.memory;
    damaged[sizeof(MemoryHeader) / sizeof(std::uint64_t)] = 1;  // a segment that has been begun
    CHECK(unwritten_key_frame(std::as_bytes(std::span{damaged})) == std::nullopt);

    // A successor whose configuration fits records again.
    Bench next{64U << 10};
    next.recorder =
        Recorder{std::as_writable_bytes(std::span{bench.memory}), Bench::kVersion, [] { return WallTime{}; }};
    next.start();
    CHECK(next.recorder.works());
    CHECK(unwritten_key_frame(memory) == std::nullopt);
    CHECK(bench.file());
}

TEST_CASE("a record of a process before is kept while its successor's state does not fit") {
    Bench first{64U << 10};
    first.start();
    first.pass(10s);
    CHECK(unwritten_key_frame(std::as_bytes(std::span{first.memory})) == std::nullopt);
    Bench second{64U << 10, director(200)};
    second.recorder =
        Recorder{std::as_writable_bytes(std::span{first.memory}), Bench::kVersion, [] { return WallTime{}; }};
    second.start();
    CHECK(unwritten_key_frame(std::as_bytes(std::span{first.memory})) == second.recorder.statistics().key_frame_bytes);
    CHECK(first.record().segments.size() == 1);
}

TEST_CASE("what is no record, or another version's, is refused with the reason") {
    const Bench bench = backup_that_takes_over();
    const auto file = bench.file().value();
    const auto refusal = [](std::vector<std::byte> bytes) { return read_record(bytes).error().text(); };

    CHECK(refusal({}) == "this is not a flight record: it is too short");
    CHECK(refusal(std::vector<std::byte>(1000)) == "this is not a flight record");
    auto other = file;
    other[8] = std::byte{9};
    CHECK(refusal(other) == "the record has format 9; this program reads format 3");
    auto flipped = file;
    flipped[flipped.size() / 2] ^= std::byte{1};
    CHECK(refusal(flipped) == "the record is damaged: its checksum is wrong");
    auto longer = file;
    longer.push_back(std::byte{0});
    CHECK(refusal(longer) == "the record is damaged: something follows its end");
    CHECK(replay(bench.record(), "1.2.4", {}).error().text() ==
          "the record is from version 1.2.3; this is version 1.2.4, and only the same version can replay it");
    for (std::size_t size = 0; size < file.size(); size += 7)
        CHECK_FALSE(read_record(std::span{file}.first(size)).has_value());
}

TEST_CASE("memory in which a role has written nonsense is no record") {
    const Bench bench = backup_that_takes_over();
    auto memory = bench.memory;
    const auto bytes = std::as_writable_bytes(std::span{memory});
    std::ranges::fill(bytes.subspan(sizeof(MemoryHeader)), std::byte{0xff});
    CHECK_FALSE(file_of_memory(bytes, {}).has_value());
    std::ranges::fill(bytes, std::byte{0xff});
    CHECK(file_of_memory(bytes, {}).error().text() == "this is not a flight record");
    CHECK(file_of_memory(bytes.first(100), {}).error().text() == "there is no flight record");
}
