// Helpers for reading memfds.
#pragma once

#include <cstddef>
#include <span>

#include "mainstay/base/error.hpp"

namespace mainstay::ipc {

[[nodiscard]] Result<std::size_t> size_of(int fd);
[[nodiscard]] Result<void> read_at(int fd, std::size_t at, std::span<std::byte> into);  // all of it, or an error

}  // namespace mainstay::ipc
