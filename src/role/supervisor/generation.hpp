// One generation of the configuration: everything that the reader produced from it, with the snapshot for each role.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/role/common/kinds.hpp"

namespace mainstay::role {

[[nodiscard]] constexpr std::size_t slot(Kind kind) { return static_cast<std::size_t>(kind) - 1; }

struct Generation {
    std::uint64_t number = 0;
    struct Part {
        UniqueFd snapshot;
        bool needed = false;
    };
    std::array<Part, kRoles> parts;  // by slot(Kind)
    UniqueFd scripts, host;          // sealed: the table of scripts, ipc::HostPlan
    UniqueFd text;                   // sealed: the text of the configuration, for copies; empty after the commit
    alert::ScriptTable table;        // decoded from `scripts`; moved away at the commit
    ipc::ReadingDone settings;       // part of each role's RoleStartup
    ipc::DryRunDone changes;         // what the reload to this one changes, for the log
    [[nodiscard]] Part& part(Kind kind) { return parts[slot(kind)]; }
    [[nodiscard]] const Part& part(Kind kind) const { return parts[slot(kind)]; }
};

}  // namespace mainstay::role
