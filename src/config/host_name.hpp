// The names of hosts that settings have.
#pragma once

#include <cstddef>

#include "mainstay/base/text.hpp"

namespace mainstay::config {

inline constexpr std::size_t kHostBytesMax = 253;  // RFC 1035 2.3.4

[[nodiscard]] constexpr bool is_of_host(char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
}

}  // namespace mainstay::config
