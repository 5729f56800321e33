// Connecting to the daemon's sockets in the file system.
#pragma once

#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::cli {

// `type`: SOCK_STREAM or SOCK_SEQPACKET. Connecting, and later each sending, takes at most 10 s.
// Errc::NotFound: nobody listens there, so mainstayd is not running.
[[nodiscard]] Result<UniqueFd> connect_to_daemon(const std::string& path, int type);

}  // namespace mainstay::cli
