// The value of a tracked file: an integer at the start of its first line, in C's notation (decimal, 0x, leading 0).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mainstay::wire {

inline constexpr std::size_t kTrackFileBytes = 128;  // only this many bytes of a file are read

// A blank line, an empty file and a line without a number yield 0, like a missing file. None: the number does not fit
// 32 bits; keepalived ignores it then.
[[nodiscard]] std::optional<std::int32_t> read_track_value(std::string_view text);

}  // namespace mainstay::wire
