// The configuration test: `mainstayd -t`.
#pragma once

#include <string>

namespace mainstay::cli {

struct ConfigTest {
    std::string file;
    std::string config_id;      // what @id lines are compared with; empty: the host name up to its first dot
    std::string net_namespace;  // -s: instead of the file's
    std::string settings_file;  // mainstay.toml, whose files are looked at, too
    std::string log_file;       // messages are appended there; empty: they go to stderr
    bool colour = false;
    bool strict = false;              // a warning is 5 where it would be 0
    bool all_include_checks = false;  // -e: every include is a checked one
};

// Reads the file as a start would, prints every diagnostic and a summary line, and returns keepalived's exit code:
// 0 clean, 2 a word is missing, 4 cannot run, 5 any other error or warning, 6 script security or an include that is
// missed. Changes nothing on the system.
[[nodiscard]] int run_config_test(const ConfigTest& test);

}  // namespace mainstay::cli
