// The canonical form of a keepalived.conf: one statement a line, four blanks per block, braces on their keyword's line,
// numbers plain, deprecated names replaced by their successors, comments where they stood. Pure.
#pragma once

#include <string>
#include <string_view>

namespace mainstay::config {

// Never fails: what it does not understand it leaves as it stands. The text means the same as before, and printing it
// again changes nothing. `//` comments become # ones. Definitions, conditional lines and repetitions are indented and
// otherwise left alone; includes are not followed.
[[nodiscard]] std::string print(std::string_view text);

}  // namespace mainstay::config
