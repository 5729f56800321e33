#include "mainstay/kernel/unix_socket.hpp"

#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace mainstay::kernel {
namespace {

constexpr time_t kSendSecondsMax = 10;

}  // namespace

Result<sockaddr_un> unix_address(const std::string& path) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path) return fail(Errc::Invalid, "the socket path is too long: " + path);
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    return at;
}

Result<UniqueFd> connect_unix(const std::string& path, int type) {
    const auto at = unix_address(path);
    if (!at) return error_of(at);
    UniqueFd fd{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
    if (!fd) return fail_system("socket", errno);
    const timeval most{.tv_sec = kSendSecondsMax, .tv_usec = 0};
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) != 0)
        return fail_system("SO_SNDTIMEO", errno);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*at), sizeof *at) == 0) return fd;
    const int error = errno;
    if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR)
        return fail(Errc::NotFound, "no answer at " + path, error);
    return fail_system("connect to " + path, error);
}

Result<ucred> peer_of(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return fail_system("SO_PEERCRED", errno);
    return peer;
}

BoundPath::BoundPath(std::string path) : path_{std::move(path)} {
    struct stat there{};
    if (::lstat(path_.c_str(), &there) == 0) device_ = there.st_dev, inode_ = there.st_ino;
}

void BoundPath::remove() const {
    struct stat there{};
    if (inode_ != 0 && ::lstat(path_.c_str(), &there) == 0 && there.st_dev == device_ && there.st_ino == inode_)
        ::unlink(path_.c_str());
}

}  // namespace mainstay::kernel
