#include "ctl_socket.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace mainstay::cli {

Result<UniqueFd> connect_to_daemon(const std::string& path, int type, std::chrono::milliseconds within) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path) return fail(Errc::Invalid, "the socket path is too long: " + path);
    std::memcpy(at.sun_path, path.data(), path.size());
    UniqueFd fd{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
    if (!fd) return fail_system("socket", errno);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(within);
    const timeval most{seconds.count(), std::chrono::microseconds{within - seconds}.count()};
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) != 0)
        return fail_system("SO_SNDTIMEO", errno);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) return fd;
    const int error = errno;
    if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR)
        return fail(Errc::NotFound, "mainstayd is not running: no answer at " + path, error);
    return fail_system("connect to " + path, error);
}

}  // namespace mainstay::cli
