// What the end of a MISC_CHECK's script says about its server.
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

// A script that cannot be executed fails the check: keepalived takes it as passed. Only a shortage on this host says
// nothing about the server.
[[nodiscard]] ScriptVerdict verdict_of(const ipc::ScriptResult& result, bool dynamic);

}  // namespace mainstay::role
