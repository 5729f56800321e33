// The configuration test: `mainstayd -t`.
#pragma once

#include <string>

namespace mainstay::cli {

// Reads `file` as a start would, prints every diagnostic and a summary line on stderr, or appends them to `log_file`
// unless that is empty, and returns keepalived's exit code: 0 clean, 2 a word is missing, 4 cannot run, 5 any other
// error or warning, 6 script security or an include that is missed. `config_id` is what @id lines are compared with;
// empty: the host name up to its first dot. With `strict` a warning is 5 where it would be 0. Changes nothing on the
// system.
[[nodiscard]] int run_config_test(const std::string& file, const std::string& config_id, const std::string& log_file,
                                  bool colour, bool strict);

}  // namespace mainstay::cli
