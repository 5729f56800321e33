// Files of the spool: durable writes and bounded reads below an open folder. Private to the alert module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::alert {

inline constexpr std::string_view kTemporaryPrefix = ".writing.";

// Whether an id can name a file and stand in a header: letters, digits, '.' and '-', short enough for NAME_MAX with a
// prefix and a suffix.
[[nodiscard]] bool safe_id(const std::string& id);
// Temporary name, fsync, rename, fsync of the folder. `where` is for error texts.
[[nodiscard]] Result<void> write_durably(int folder, const std::string& name, std::string_view content,
                                         const std::string& where);
// Errc::Limit for a file above `bytes_max`; symbolic links and anything but regular files are refused.
[[nodiscard]] Result<std::string> read_bounded(int folder, const std::string& name, std::size_t bytes_max,
                                               const std::string& where);
[[nodiscard]] Result<std::vector<std::string>> file_names(int folder, const std::string& where);
[[nodiscard]] Result<UniqueFd> open_folder(const std::string& path);

}  // namespace mainstay::alert
