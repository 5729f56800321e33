// Patterns with * and ?, as operators and settings have them.
#pragma once

#include <string_view>

namespace mainstay {

// Whether the whole text matches the pattern; takes time proportional to the product of their lengths.
[[nodiscard]] bool is_like(std::string_view text, std::string_view pattern);

}  // namespace mainstay
