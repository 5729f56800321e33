// Flight records on disk, in the folder of the event history: the newest few are kept.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::role {

inline constexpr std::size_t kRecordFilesMax = 8;

// "record-20261122T211000Z.rec"
[[nodiscard]] std::string record_name(WallTime at);
[[nodiscard]] bool is_record_name(std::string_view name);

// Writes a file of that name, which is there when it is whole and on the disk, and removes the oldest of more than
// kRecordFilesMax, never the one that was written. Other files are not touched, but what a process that died has left
// of its own is. Creates the folder (mode 0700). The answer is the file's path.
[[nodiscard]] Result<std::string> keep_record(const std::string& folder, std::span<const std::byte> bytes, WallTime at);

}  // namespace mainstay::role
