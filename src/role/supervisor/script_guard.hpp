// Checks a script's owner and mode before each run, because they may have changed since the configuration was read.
#pragma once

#include <set>
#include <string>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/log.hpp"

namespace mainstay::role {

class ScriptGuard {
public:
    explicit ScriptGuard(Log& log) : log_{log} {}

    // False: accounts other than root may now modify the script, so it must not run (enable_script_security). Logged
    // once per script until it is safe again.
    [[nodiscard]] bool may_run(const std::string& key, const alert::ScriptEntry& entry);

private:
    Log& log_;
    std::set<std::string> reported_;  // by key
};

}  // namespace mainstay::role
