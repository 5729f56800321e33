// Files of the spool: durable writes and bounded reads below an open folder. Private to the alert module.
#pragma once

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
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

// Of a file of the spool, which somebody may have edited: throws json::exception for anything but a whole number that a
// T holds. The library's own conversion takes a fraction
// or a number above every bound as well, and what comes of that is undefined.
template <std::integral T>
[[nodiscard]] T whole_number(const nlohmann::json& value) {
    const bool fits = value.is_number_unsigned()  ? std::in_range<T>(value.get<std::uint64_t>())
                      : value.is_number_integer() ? std::in_range<T>(value.get<std::int64_t>())
                                                  : false;
    if (!fits)
        throw nlohmann::json::type_error::create(302, "a whole number in range is wanted: " + value.dump(), &value);
    return value.get<T>();
}

}  // namespace mainstay::alert
