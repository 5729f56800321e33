// All that one configuration brings, and where the snapshots of the roles are in it.
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
    UniqueFd text;                   // sealed: the configuration, for copies of it; until it is committed
    alert::ScriptTable table;        // of `scripts`, until the generation is committed
    ipc::ReadingDone settings;       // a role gets them when it starts
    [[nodiscard]] Part& part(Kind kind) { return parts[slot(kind)]; }
    [[nodiscard]] const Part& part(Kind kind) const { return parts[slot(kind)]; }
};

}  // namespace mainstay::role
