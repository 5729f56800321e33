// Opens the FIFOs for notifications of transitions.
#pragma once

#include <cstdint>
#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "process.hpp"

namespace mainstay::kernel {

struct NotifyFifo {
    UniqueFd fd;           // O_RDWR and non-blocking, so that writing works without a reader
    bool created = false;  // did not exist before
};
// Creates it with this mode and owner if it does not exist. An existing file that is not a FIFO of root or of `owner`
// is refused.
[[nodiscard]] Result<NotifyFifo> open_notify_fifo(const std::string& path, const Account& owner, std::uint32_t mode);

}  // namespace mainstay::kernel
