#include "mainstay/kernel/arp_probe.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/wire/arp.hpp"

namespace mainstay::kernel {
namespace {

using Clock = std::chrono::steady_clock;

Result<UniqueFd> open_socket(std::uint32_t interface_index) {
    UniqueFd fd{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ARP))};
    if (!fd) return fail_system("open a packet socket", errno);
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ARP);
    at.sll_ifindex = static_cast<int>(interface_index);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
        return fail_system("bind a packet socket", errno);
    return fd;
}

void collect(int fd, std::span<const IpAddress> asked, std::vector<ArpAnswer>& answers) {
    std::array<std::byte, 128> buffer{};
    for (;;) {
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return;
        const auto packet = wire::decode_arp(std::span{buffer}.first(static_cast<std::size_t>(got)));
        if (!packet || !packet->reply || std::ranges::find(asked, packet->sender) == asked.end()) continue;
        const ArpAnswer answer{packet->sender, packet->sender_mac};
        if (std::ranges::find(answers, answer) == answers.end()) answers.push_back(answer);
    }
}

}  // namespace

Result<std::vector<ArpAnswer>> probe_addresses(std::uint32_t interface_index, const wire::MacAddress& own,
                                               std::span<const IpAddress> addresses, std::chrono::milliseconds wait) {
    auto fd = open_socket(interface_index);
    if (!fd) return error_of(fd);
    const auto asked = addresses.first(std::min(addresses.size(), kProbedAddressesMax));
    for (const IpAddress& address : asked) {
        const auto frame = wire::arp_probe(own, address);
        if (!frame) return error_of(frame);
        if (::send(fd->get(), frame->data(), frame->size(), 0) < 0) return fail_system("send an ARP probe", errno);
    }
    std::vector<ArpAnswer> answers;
    const auto end = Clock::now() + wait;
    while (Clock::now() < end) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        pollfd waiting{.fd = fd->get(), .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) < 0 && errno != EINTR)
            return fail_system("wait for answers to ARP probes", errno);
        collect(fd->get(), asked, answers);
    }
    return answers;
}

}  // namespace mainstay::kernel
