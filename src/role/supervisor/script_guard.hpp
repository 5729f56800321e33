// Looks at a script's owner and mode before each run: they may have changed since the configuration was read.
#pragma once

#include <set>
#include <string>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/log.hpp"

namespace mainstay::role {

class ScriptGuard {
public:
    explicit ScriptGuard(Log& log) : log_{log} {}

    // False: others than root may change it by now, and it must not run (enable_script_security). Logged once for each
    // script until it is safe again.
    [[nodiscard]] bool may_run(const std::string& key, const alert::ScriptEntry& entry);

private:
    Log& log_;
    std::set<std::string> reported_;  // by key
};

}  // namespace mainstay::role
