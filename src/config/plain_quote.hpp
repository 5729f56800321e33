// Text of others in messages: only characters that occur in addresses and names, so that a log line, a terminal and a
// page can show it.
#pragma once

#include <string>
#include <string_view>

namespace mainstay::config {

// In quotes, the other characters as '?', at most 64 bytes of it.
[[nodiscard]] std::string plain_quote(std::string_view text);

}  // namespace mainstay::config
