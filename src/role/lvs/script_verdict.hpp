// The verdict that follows from the exit of a MISC_CHECK's script.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mainstay/ipc/message.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::role {

struct ScriptVerdict {
    lvs::Outcome outcome = lvs::Outcome::NotRun;
    std::string reason;
    std::optional<std::int64_t> weight;
};

// A script that cannot be executed fails the check; in keepalived it passes. Only a shortage on this host does not
// count as a result.
[[nodiscard]] ScriptVerdict verdict_of(const ipc::ScriptResult& result, bool dynamic);

}  // namespace mainstay::role
