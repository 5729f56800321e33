#include "mainstay/kernel/path_mtu.hpp"

#include <netinet/in.h>

#include <cerrno>

#include "socket_address.hpp"

namespace mainstay::kernel {

Result<std::uint32_t> path_mtu(const IpAddress& target) {
    auto fd = socket_towards(target);
    if (!fd) return error_of(fd);
    const bool v6 = target.is_v6();
    int mtu = 0;
    socklen_t size = sizeof mtu;
    if (::getsockopt(fd->get(), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu, &size) != 0)
        return fail_system("IP_MTU", errno);
    return static_cast<std::uint32_t>(mtu);
}

}  // namespace mainstay::kernel
