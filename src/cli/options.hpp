// mainstayd's command line: keepalived's options with getopt_long's abbreviations, which are a contract
// (--use-file=F --check --all-config --config-test and the like stand in operators' scripts).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/role/supervisor/supervisor.hpp"

namespace mainstay::cli {

struct Options {
    enum class Action : std::uint8_t { Run, TestConfig, Version, Help, SignalNumber, Refuse } action = Action::Run;
    role::SupervisorOptions supervisor;
    bool dont_fork = false;
    bool core_dump = false;
    int umask = -1;                    // -1: keepalived's 0177 for its files, left to each file here
    std::string signal_name;           // --signum
    std::string test_log;              // --config-test=FILE: messages are appended there
    int test_exit_code = 0;            // Refuse: what to exit with
    std::vector<std::string> remarks;  // options that are accepted but not acted on yet, surplus words: logged
    std::string complaint;             // Refuse: printed on stderr
};

// Never exits and prints nothing but getopt's own complaints about unknown options.
[[nodiscard]] Options parse_options(int argc, char** argv);

// The first that exists of the places where a configuration may be; the others that exist too go to `passed_over`.
[[nodiscard]] std::string default_config_path(std::vector<std::string>& passed_over);

[[nodiscard]] std::string version_text(const role::Identity& identity);
[[nodiscard]] std::string help_text(const std::string& program);
// keepalived's names: STOP RELOAD DATA STATS STATS_CLEAR JSON TDUMP; 0 for an unknown one.
[[nodiscard]] int signal_number(const std::string& name);

}  // namespace mainstay::cli
