// Segments of the history: what was written is read, and of a damaged one all that is whole.
#include "mainstay/ipc/history_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace mainstay;
using namespace mainstay::ipc;

namespace {

report::HistoryEntry entry(std::uint64_t id) {
    return {.id = id,
            .source = "lvs",
            .event = {.kind = Event::Kind::RealServer,
                      .name = "[10.0.0.11]:tcp:80",
                      .parent = "[10.0.0.1]:tcp:80",
                      .transition = Transition::Down,
                      .detail = "=> TCP CHECK failed on service <=",
                      .priority = 7,
                      .notify = false,
                      .mail = true,
                      .at = {static_cast<std::int64_t>(id)},
                      .number = id + 1}};
}

std::vector<std::byte> segment_of(std::initializer_list<std::uint64_t> ids) {
    auto bytes = history_header();
    for (const auto id : ids) std::ranges::copy(history_record(entry(id)), std::back_inserter(bytes));
    return bytes;
}

std::vector<std::uint64_t> ids_in(const HistorySegment& segment) {
    std::vector<std::uint64_t> ids;
    for (const auto& one : segment.entries) ids.push_back(one.id);
    return ids;
}
using Ids = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("a segment is read as it was written") {
    const auto segment = read_history_segment(segment_of({5, 6, 9}));

    CHECK(ids_in(segment) == Ids{5, 6, 9});
    CHECK(segment.problem == "");
    CHECK(segment.entries[0].source == "lvs");
    CHECK(segment.entries[0].event == entry(5).event);
}

TEST_CASE("a segment without events has none and no problem") {
    CHECK(read_history_segment(history_header()).problem == "");
    CHECK(read_history_segment(history_header()).entries.empty());
}

TEST_CASE("a segment that ends anywhere gives the records before its end") {
    const auto whole = segment_of({5, 6});
    const std::size_t record = history_record(entry(5)).size();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        const auto segment = read_history_segment(std::span{whole}.first(size));
        CHECK(segment.entries.size() == (size < 16 + record ? 0 : 1));
        const bool at_a_border = size == 16 || size == 16 + record;
        CHECK(segment.problem.empty() == at_a_border);
    }
}

TEST_CASE("a damaged record is left out, and those behind it are read") {
    auto bytes = segment_of({5, 6, 9});
    const std::size_t record = history_record(entry(5)).size();
    bytes[16 + record + 40] ^= std::byte{1};

    const auto segment = read_history_segment(bytes);

    CHECK(ids_in(segment) == Ids{5, 9});
    CHECK(segment.problem == "it is damaged in 1 place; 2 events of it are used");
}

TEST_CASE("a record that was written in part is followed by whole ones") {
    auto bytes = segment_of({5});
    const auto torn = history_record(entry(6)), next = history_record(entry(7));
    bytes.insert(bytes.end(), torn.begin(), torn.begin() + 30);
    bytes.insert(bytes.end(), next.begin(), next.end());

    CHECK(ids_in(read_history_segment(bytes)) == Ids{5, 7});
}

TEST_CASE("an id that does not ascend, or that is no number of JavaScript, is left out") {
    CHECK(ids_in(read_history_segment(segment_of({5, 5, 4, 6}))) == Ids{5, 6});
    CHECK(ids_in(read_history_segment(segment_of({std::uint64_t{1} << 53, 6}))) == Ids{6});
}

TEST_CASE("a file of another program, and one of another version") {
    auto other = segment_of({5});
    other[0] = std::byte{'X'};
    CHECK(read_history_segment(other).problem == "it is not a file of events");
    CHECK(read_history_segment(other).entries.empty());

    auto newer = segment_of({5});
    newer[8] = std::byte{2};
    CHECK(read_history_segment(newer).problem == "it has format 2, this version reads format 1");
    CHECK(read_history_segment({}).problem == "it ends within its header");
}

TEST_CASE("a reader gives up on a segment with too many damaged places") {
    auto bytes = history_header();
    const auto record = history_record(entry(5));
    for (std::size_t i = 0; i <= kHistoryDamageMax; ++i) bytes.insert(bytes.end(), record.begin(), record.begin() + 8);
    bytes.insert(bytes.end(), record.begin(), record.end());

    const auto segment = read_history_segment(bytes);

    CHECK(segment.damaged == kHistoryDamageMax);
    CHECK(segment.entries.empty());
    CHECK(segment.problem == "it is damaged in 1000 places, and the rest is not read; 0 events of it are used");
}

TEST_CASE("an entry that is too large makes no record, and the largest one is read again") {
    auto large = entry(5);
    large.event.detail.clear();
    const std::size_t header = 16;  // magic, length, checksum
    large.event.detail.assign(kHistoryRecordBytesMax - (history_record(large).size() - header), 'x');
    auto bytes = segment_of({});
    std::ranges::copy(history_record(large), std::back_inserter(bytes));
    CHECK(ids_in(read_history_segment(bytes)) == Ids{5});

    large.event.detail += 'x';
    CHECK(history_record(large).empty());
}
