// Decodes the snapshot of a configuration from its memfd piece by piece, so that the bytes of a large one are never in
// memory together with its model, and a small reload decodes only the changes.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::ipc {

// The same result as decode<config::Config>() of the whole memfd.
[[nodiscard]] Result<config::Config> read_snapshot(int fd);

// The virtual servers that differ between `running` and `next`. None: something else differs as well, or those that
// are the same on both sides are in another order.
[[nodiscard]] Result<std::optional<std::vector<config::ServiceChange>>> changed_services(int running, int next);

}  // namespace mainstay::ipc
