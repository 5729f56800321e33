// The snapshot of a configuration, read from its memfd a piece at a time: a large one is never in memory as bytes
// while it is made into a model, and a reload that changes little makes only that.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/config/validate/service_change.hpp"

namespace mainstay::ipc {

// The same as decode<config::Config>() of all of its bytes.
[[nodiscard]] Result<config::Config> read_snapshot(int fd);

// The virtual servers of `next` that are other ones, to the byte, than those of `running` in their places. None: that
// is not all that differs.
[[nodiscard]] Result<std::optional<std::vector<config::ServiceChange>>> changed_services(int running, int next);

}  // namespace mainstay::ipc
