#include "mainstay/kernel/local_address.hpp"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {
namespace {

bool binds(int family, const std::string& interface, const sockaddr* address, socklen_t size) {
    const UniqueFd fd{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    // An address in a VRF is local only for sockets bound to the VRF. A missing interface is reported elsewhere.
    if (fd && !interface.empty())
        static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                                       static_cast<socklen_t>(interface.size() + 1)));
    // Only EADDRNOTAVAIL concerns the address.
    return !fd || ::bind(fd.get(), address, size) == 0 || errno != EADDRNOTAVAIL;
}

}  // namespace

bool can_send_from(const IpAddress& address, const std::string& interface) {
    const auto bytes = address.bytes();
    if (address.is_v6()) {
        sockaddr_in6 own{};
        own.sin6_family = AF_INET6;
        std::memcpy(&own.sin6_addr, bytes.data(), sizeof own.sin6_addr);
        if (address.is_link_local_v6()) own.sin6_scope_id = ::if_nametoindex(interface.c_str());
        return binds(AF_INET6, interface, reinterpret_cast<const sockaddr*>(&own), sizeof own);
    }
    sockaddr_in own{};
    own.sin_family = AF_INET;
    std::memcpy(&own.sin_addr, bytes.data(), sizeof own.sin_addr);
    return binds(AF_INET, interface, reinterpret_cast<const sockaddr*>(&own), sizeof own);
}

}  // namespace mainstay::kernel
