#include "socket_address.hpp"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <span>

namespace mainstay::kernel {

SocketAddress to_socket_address(Family family, const IpAddress& address, std::uint16_t port, std::uint32_t scope) {
    SocketAddress result;
    if (family == Family::V4) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        if (!address.empty()) std::memcpy(&to.sin_addr, address.bytes().data(), 4);
        std::memcpy(&result.storage, &to, sizeof to);
        result.length = sizeof to;
    } else {
        sockaddr_in6 to{};
        to.sin6_family = AF_INET6;
        to.sin6_port = htons(port);
        if (address.is_link_local_v6()) to.sin6_scope_id = scope;
        if (!address.empty()) std::memcpy(&to.sin6_addr, address.bytes().data(), 16);
        std::memcpy(&result.storage, &to, sizeof to);
        result.length = sizeof to;
    }
    return result;
}

Result<UniqueFd> socket_towards(const IpAddress& target) {
    constexpr std::uint16_t kDiscard = 9;
    UniqueFd fd{::socket(target.is_v6() ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!fd) return fail_system("socket", errno);
    const auto to = to_socket_address(target.family(), target, kDiscard, 0);
    if (::connect(fd.get(), to.get(), to.length) != 0) return fail_system("no route", errno);
    return fd;
}

IpAddress address_in(const sockaddr_storage& storage) {
    if (storage.ss_family == AF_INET) {
        sockaddr_in v4;
        std::memcpy(&v4, &storage, sizeof v4);
        return IpAddress::v4(ntohl(v4.sin_addr.s_addr));
    }
    if (storage.ss_family != AF_INET6) return {};
    sockaddr_in6 v6;
    std::memcpy(&v6, &storage, sizeof v6);
    return IpAddress::v6(std::as_bytes(std::span{&v6.sin6_addr, 1}).first<16>());
}

}  // namespace mainstay::kernel
