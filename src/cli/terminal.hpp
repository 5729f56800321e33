// What depends on the terminal: colours, and showing something again and again.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace mainstay::cli {

// Whether stdout takes colours: it is a terminal that is not dumb, and NO_COLOR is not set (no-color.org).
[[nodiscard]] bool colours_wanted();
// The states in it coloured: what is well green, what is not red, an operator's wish and BACKUP yellow and blue. Pure.
[[nodiscard]] std::string with_colours(std::string_view text);
// Prints a text for people, coloured if wanted.
void print_coloured(std::string_view text);
// Shows what `make` returns every two seconds until it is interrupted; on a terminal in the same place.
[[noreturn]] void watch(const std::function<std::string()>& make);
// Seconds that local time is ahead of UTC at the moment.
[[nodiscard]] int utc_offset_s();

}  // namespace mainstay::cli
