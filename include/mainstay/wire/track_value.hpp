// What a tracked file says: an integer at the start of its first line, as C writes one (decimal, 0x, leading 0).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mainstay::wire {

inline constexpr std::size_t kTrackFileBytes = 128;  // no more of a file is looked at

// A blank line, an empty file and a line without a number are 0, as the file that is not there is. None: the number
// does not fit 32 bits; keepalived ignores it.
[[nodiscard]] std::optional<std::int32_t> read_track_value(std::string_view text);

}  // namespace mainstay::wire
