#include "mainstay/kernel/link_maker.hpp"

#include <linux/netlink.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>

namespace mainstay::kernel {

Result<LinkMaker> LinkMaker::open() {
    auto socket = NetlinkSocket::open(NETLINK_ROUTE);
    if (!socket) return error_of(socket, "change interfaces");
    return LinkMaker{std::move(*socket)};
}

Result<void> LinkMaker::send(std::span<const std::byte> request, std::uint32_t sequence, std::string attempt) {
    std::optional<netlink::Acknowledgement> answer;
    auto done =
        socket_.exchange(request, sequence, 1, [&](std::size_t, const netlink::Acknowledgement& a) { answer = a; });
    if (!done) return error_of(done, attempt);
    if (!answer || answer->sys_errno == 0) return {};
    if (!answer->text.empty()) attempt += " (" + answer->text + ")";
    return fail_system(attempt, answer->sys_errno);
}

Result<void> LinkMaker::make(const NewLink& link) {
    std::vector<std::byte> request;
    const auto sequence = socket_.take_sequences(1);
    if (auto good = netlink::append_link_new(request, link, sequence); !good) return good;
    return send(request, sequence, "make the interface " + link.name);
}

Result<void> LinkMaker::set(const LinkSettings& settings) {
    std::vector<std::byte> request;
    const auto sequence = socket_.take_sequences(1);
    if (auto good = netlink::append_link_set(request, settings, sequence); !good) return good;
    auto done = send(request, sequence, "change interface " + std::to_string(settings.index));
    // A kernel without IPv6 (ipv6.disable=1) generates no address, and refuses the whole change for being told not to.
    if (done || done.error().sys_errno() != EAFNOSUPPORT || !settings.no_generated_address) return done;
    auto without = settings;
    without.no_generated_address = false;
    return set(without);
}

Result<void> LinkMaker::remove(std::uint32_t index) {
    std::vector<std::byte> request;
    const auto sequence = socket_.take_sequences(1);
    if (auto good = netlink::append_link_delete(request, index, sequence); !good) return good;
    auto done = send(request, sequence, "remove interface " + std::to_string(index));
    if (!done && done.error().sys_errno() == ENODEV) return {};
    return done;
}

std::string interface_name(std::uint32_t index) {
    std::array<char, IF_NAMESIZE> name{};
    return if_indextoname(index, name.data()) != nullptr ? name.data() : std::string{};
}

std::uint32_t interface_index(const std::string& name) { return if_nametoindex(name.c_str()); }

}  // namespace mainstay::kernel
