// Where characters of UTF-8 begin and end, in text that may be anything. RFC 3629, section 4.
#pragma once

#include <cstddef>
#include <string_view>

namespace mainstay {

// The bytes of the character at the beginning of `text`, 1 to 4. 0: there is none, because the text is empty, or cut,
// or no UTF-8 (overlong forms, surrogates and numbers beyond U+10FFFF included).
[[nodiscard]] std::size_t utf8_length(std::string_view text);

// Of a byte that is not the first one of its character.
[[nodiscard]] constexpr bool continues_utf8(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace mainstay
