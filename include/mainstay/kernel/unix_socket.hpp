// Unix sockets that have a path: the daemon's for mainstayctl.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

// Errc::Invalid: the path is longer than a socket's can be.
[[nodiscard]] Result<sockaddr_un> unix_address(const std::string& path);
// Waits at most ten seconds where others wait in front, and as long to send. Errc::NotFound: nobody listens there.
[[nodiscard]] Result<UniqueFd> connect_unix(const std::string& path, int type);
// The process at the other end, when it connected or began to listen.
[[nodiscard]] Result<ucred> peer_of(int socket);

// The path of a socket that this process has bound. Another daemon may have put its own there meanwhile.
class BoundPath {
public:
    BoundPath() = default;
    explicit BoundPath(std::string path);  // right after the bind
    void remove() const;                   // if the same socket is still there
private:
    std::string path_;
    std::uint64_t device_ = 0, inode_ = 0;
};

}  // namespace mainstay::kernel
