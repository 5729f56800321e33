// What the programs print for people and scripts. Text that cannot be written (the disk is full, nobody holds the other
// end) is an error: finish_output() reports it on stderr, and the program fails.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace mainstay::cli {

// To stdout, through its buffer. A failure shows in finish_output() at the latest.
void print(std::string_view text);
// To stderr, at once. If that fails too, it cannot be reported anywhere.
void print_error(std::string_view text);
// Flushes stdout as a program's last act. Returns `exit_code`, or `when_lost` if not everything that was printed could
// be written; then stderr says so and why, after "PROGRAM: ".
[[nodiscard]] int finish_output(std::string_view program, int exit_code, int when_lost);

// What depends on the terminal: colours, and showing something again and again.

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
