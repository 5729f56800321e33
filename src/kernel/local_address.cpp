#include "mainstay/kernel/local_address.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "socket_address.hpp"

namespace mainstay::kernel {
namespace {

Result<IpAddress> routed_source(const IpAddress& target) {
    auto fd = socket_towards(target);
    if (!fd) return error_of(fd);
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    if (::getsockname(fd->get(), reinterpret_cast<sockaddr*>(&own), &size) != 0)
        return fail_system("getsockname", errno);
    return address_in(own);
}

Result<std::vector<Address>> own_addresses() {
    auto netlink = Rtnetlink::open();
    if (!netlink) return error_of(netlink);
    return netlink->addresses();
}

}  // namespace

bool can_send_from(const IpAddress& address, const std::string& interface) {
    const UniqueFd fd{::socket(address.is_v6() ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    // An address in a VRF is local only for sockets bound to the VRF. A missing interface is reported elsewhere.
    if (fd && !interface.empty())
        static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                                       static_cast<socklen_t>(interface.size() + 1)));
    const auto own =
        to_socket_address(address.is_v6() ? Family::V6 : Family::V4, address, 0, ::if_nametoindex(interface.c_str()));
    // Only EADDRNOTAVAIL concerns the address.
    return !fd || ::bind(fd.get(), own.get(), own.length) == 0 || errno != EADDRNOTAVAIL;
}

Result<IpAddress> source_towards(const IpAddress& target, const std::function<bool(const IpAddress&)>& is_unfit) {
    auto routed = routed_source(target);
    if (!routed || !is_unfit(*routed)) return routed;
    auto all = own_addresses();
    if (!all) return error_of(all);
    const auto address = [](const Address& one) { return one.prefix.address; };
    const auto there = std::ranges::find(*all, *routed, address);
    const std::uint32_t interface = there == all->end() ? 0 : there->interface_index;
    std::erase_if(*all, [&](const Address& one) {
        const auto& own = one.prefix.address;
        return one.interface_index != interface || own.family() != target.family() || is_unfit(own) ||
               own.is_link_local_v6() != target.is_link_local_v6();
    });
    if (all->empty())
        return fail(Errc::NotFound,
                    fmt::format("{} has no other address than those of services", interface_name(interface)));
    const auto near = std::ranges::find_if(*all, [&](const Address& one) { return one.prefix.contains(target); });
    return address(near == all->end() ? all->front() : *near);
}

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
