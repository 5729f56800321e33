// Between the judge's state and the state block: what status shows and a new incarnation takes up.
#pragma once

#include <vector>

#include "lvs_table_keeper.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::role {

[[nodiscard]] ipc::LvsStatus status_of(const lvs::Judge& judge, const LvsTableKeeper::State& table,
                                       std::uint64_t generation, lvs::Moment at);
[[nodiscard]] lvs::Memory memory_of(const ipc::LvsStatus& status);
// What operators said.
[[nodiscard]] lvs::Overrides overrides_of(const ipc::LvsStatus& status);

}  // namespace mainstay::role
