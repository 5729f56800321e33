// What the programs print for people and scripts. Text that cannot be written (the disk is full, nobody holds the other
// end) is an error: finish_output() reports it on stderr, and the program fails.
#pragma once

#include <string_view>

namespace mainstay::cli {

// To stdout, through its buffer. A failure shows in finish_output() at the latest.
void print(std::string_view text);
// To stderr, at once. If that fails too, it cannot be reported anywhere.
void print_error(std::string_view text);
// Flushes stdout as a program's last act. Returns `exit_code`, or `when_lost` if not everything that was printed could
// be written; then stderr says so and why, after "PROGRAM: ".
[[nodiscard]] int finish_output(std::string_view program, int exit_code, int when_lost);

}  // namespace mainstay::cli
