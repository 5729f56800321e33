// Files beside keepalived.conf that decide how keepalived runs on a host: systemd's units with their drop-ins, and the
// files of variables that they read. Pure; a line that is neither is skipped, as systemd does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::config {

inline constexpr std::size_t kHostFileBytesMax = std::size_t{1} << 20;  // more is not looked at

struct UnitSetting {
    std::uint32_t line = 0;  // from 1
    std::string section, key, value;
    bool operator==(const UnitSetting&) const = default;
};
// A line that ends in a backslash goes on in the next one; comments begin with # or ;.
[[nodiscard]] std::vector<UnitSetting> read_unit_file(std::string_view text);

// Whether it is the keepalived.service of mainstay-keepalived-compat, which has the place of keepalived's own.
[[nodiscard]] bool is_unit_of_mainstay(std::string_view text);

// The value of the last NAME=VALUE; quotes around all of it are removed. None: there is no such line.
[[nodiscard]] std::optional<std::string> read_environment_value(std::string_view text, std::string_view name);

// The words of a command line of a unit; quotes group blanks, and a backslash takes the next character as it is.
[[nodiscard]] std::vector<std::string> read_command_words(std::string_view text);

}  // namespace mainstay::config
