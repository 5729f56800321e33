// What may have changed since the configuration was read is looked at before each run of a script: where the links of
// its path lead, its owner and its mode.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/log.hpp"

namespace mainstay::role {

class ScriptGuard {
public:
    explicit ScriptGuard(Log& log) : log_{log} {}

    // The file to execute. None: accounts other than root may now modify the script, so it must not run
    // (enable_script_security). Logged once per script until it is safe again.
    [[nodiscard]] std::optional<std::string> path_to_run(const std::string& key, const alert::ScriptEntry& entry);

private:
    Log& log_;
    std::set<std::string> reported_;  // by key
};

}  // namespace mainstay::role
