// The canonical form of a keepalived.conf: one statement per line, four blanks per block, braces on their keyword's
// line, plain numbers, current names instead of deprecated ones, comments in their places. Pure.
#pragma once

#include <string>
#include <string_view>

namespace mainstay::config {

// Never fails: what it does not understand is left unchanged. The meaning is preserved, and printing the result again
// changes nothing. `//` comments become # comments. Definitions, conditional lines and repetitions are only indented;
// includes are not followed.
[[nodiscard]] std::string print(std::string_view text);

}  // namespace mainstay::config
