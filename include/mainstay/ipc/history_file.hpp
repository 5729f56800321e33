// The events' history on disk: segments to which records are appended. A segment begins with a header (a magic word and
// the version of the format); each record has a magic word, its length and its checksum, so that a reader finds the
// next one behind a record that is damaged or was not written to its end. Numbers are in host order, as in a state
// block.
//
// Pure: bytes in, entries out. Writing, removing and reading the files is the observer's
// (role/observer/history.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mainstay/report/events.hpp"

namespace mainstay::ipc {

inline constexpr std::size_t kHistoryRecordBytesMax = 16 * 1024;  // a ring's event has fewer
// A reader gives up on a segment after so many damaged places.
inline constexpr std::size_t kHistoryDamageMax = 1'000;

[[nodiscard]] std::vector<std::byte> history_header();
// Whether a file that begins so is a segment, of this version or of another.
[[nodiscard]] bool is_history_header(std::span<const std::byte> bytes);
// One record; empty if the entry is larger than kHistoryRecordBytesMax.
[[nodiscard]] std::vector<std::byte> history_record(const report::HistoryEntry& entry);

struct HistorySegment {
    std::vector<report::HistoryEntry> entries;  // in the order of their records; their ids ascend
    std::size_t damaged = 0;                    // places that hold no record, and records that say nothing
    std::string problem;                        // for people: why not all of it can be used; empty: all of it is
};
// Reads whatever it can use. A segment of another version, or of another program, has no entries but a problem.
[[nodiscard]] HistorySegment read_history_segment(std::span<const std::byte> bytes);

}  // namespace mainstay::ipc
