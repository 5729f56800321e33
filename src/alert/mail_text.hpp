// Text that may go into a mail header or body. Private to the alert module.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mainstay::alert {

// Valid UTF-8 without control characters (each becomes a blank; each byte that is not UTF-8 a U+FFFD), at most
// `bytes_max` bytes, cut between characters with "..." at the end.
[[nodiscard]] std::string clean_line(std::string_view text, std::size_t bytes_max);
[[nodiscard]] bool is_ascii(std::string_view text);
[[nodiscard]] std::string base64(std::string_view bytes);
// RFC 2047 encoded words of UTF-8, each on its own folded line; ASCII text is returned unchanged.
[[nodiscard]] std::string header_text(const std::string& text);
// An address for an envelope or header: blanks, control characters and angle brackets are left out.
[[nodiscard]] std::string clean_address(std::string_view text);

}  // namespace mainstay::alert
