// The FIFOs that lines about transitions are written to.
#pragma once

#include <cstdint>
#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "process.hpp"

namespace mainstay::kernel {

struct NotifyFifo {
    UniqueFd fd;           // readable and writable, never waiting: there is no error while nobody reads
    bool created = false;  // was not there before
};
// Made with this mode and owner when it is not there. What is there and is no FIFO of root or of `owner` is refused.
[[nodiscard]] Result<NotifyFifo> open_notify_fifo(const std::string& path, const Account& owner, std::uint32_t mode);

}  // namespace mainstay::kernel
