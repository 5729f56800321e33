#include "ctl_socket.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace mainstay::cli {
namespace {

constexpr time_t kSendSecondsMax = 10;

}  // namespace

Result<UniqueFd> connect_to_daemon(const std::string& path, int type) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path) return fail(Errc::Invalid, "the socket path is too long: " + path);
    std::memcpy(at.sun_path, path.data(), path.size());
    UniqueFd fd{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
    if (!fd) return fail_system("socket", errno);
    const timeval most{.tv_sec = kSendSecondsMax, .tv_usec = 0};
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) != 0)
        return fail_system("SO_SNDTIMEO", errno);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) return fd;
    const int error = errno;
    if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR)
        return fail(Errc::NotFound, "mainstayd is not running: no answer at " + path, error);
    return fail_system("connect to " + path, error);
}

}  // namespace mainstay::cli
