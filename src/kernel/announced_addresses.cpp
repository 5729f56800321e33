#include "mainstay/kernel/announced_addresses.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "mainstay/kernel/sysctl.hpp"

namespace mainstay::kernel {
namespace {

using Kind = netlink::AnnounceOperation::Kind;

constexpr std::size_t kAnnouncementBatch = 128;
constexpr const char* kLoopback = "lo";

std::string no_ipv6_on(const std::string& interface) { return "net/ipv6/conf/" + interface + "/disable_ipv6"; }

}  // namespace

Result<AnnouncedAddresses> AnnouncedAddresses::open() {
    auto socket = NetlinkSocket::open(NETLINK_ROUTE);
    if (!socket) return error_of(socket, "announce addresses");
    auto links = LinkMaker::open();
    if (!links) return error_of(links, "announce addresses");
    return AnnouncedAddresses{std::move(*socket), std::move(*links)};
}

Result<std::uint32_t> AnnouncedAddresses::make_interface(const std::string& name) {
    auto made = links_.make({.kind = NewLink::Kind::Dummy, .name = name});
    if (!made && made.error().sys_errno() == EOPNOTSUPP)
        return error_of(made,
                        "the kernel has no dummy interfaces (module dummy); name an interface that "
                        "exists (announce: interface)");
    if (!made && made.error().sys_errno() != EEXIST) return error_of(made);
    const std::uint32_t index = interface_index(name);
    // A host may have IPv6 off for new interfaces. Where it stays off, the refusal of an IPv6 address says so.
    (void)kernel::keep_sysctl(no_ipv6_on(name), "0");
    if (auto up = links_.set({.index = index, .up = true, .no_generated_address = true}); !up) return error_of(up);
    return index;
}

Result<std::uint32_t> AnnouncedAddresses::index_for(const netlink::AnnounceOperation& operation, Indices& known) {
    const bool is_route = operation.kind == Kind::AddRoute || operation.kind == Kind::RemoveRoute;
    const std::string& name = is_route ? kLoopback : operation.interface;
    if (const auto found = known.find(name); found != known.end() && (!found->second || *found->second != 0))
        return found->second;
    Result<std::uint32_t> index = interface_index(name);
    if (operation.kind == Kind::Announce) {
        if (*index == 0)
            index = make_interface(name);
        else if (auto up = links_.set({.index = *index, .up = true}); !up)  // a routing daemon passes over what is down
            index = error_of(up, "set " + name + " up");
    }
    return known.insert_or_assign(name, std::move(index)).first->second;
}

Result<std::vector<netlink::RefusedAnnounce>> AnnouncedAddresses::perform(
    const netlink::AnnounceOperations& operations) {
    std::vector<netlink::RefusedAnnounce> refused;
    Indices known;
    const std::size_t most = std::min(kAnnouncementBatch, socket_.batch_limit());
    for (std::size_t begin = 0; begin < operations.size(); begin += most) {
        const std::size_t end = std::min(begin + most, operations.size());
        const std::uint32_t first = socket_.take_sequences(end - begin);
        std::vector<std::byte> bytes;
        std::vector<std::size_t> sent;
        for (std::size_t i = begin; i < end; ++i) {
            const auto& operation = operations[i];
            const auto index = index_for(operation, known);
            if (!index) {
                refused.push_back({i, Error{index.error()}.with(netlink::describe(operation)).text()});
                continue;
            }
            if (*index == 0 && operation.kind == Kind::Withdraw) continue;  // gone with its interface
            auto good =
                netlink::append_announce(bytes, operation, *index, first + static_cast<std::uint32_t>(sent.size()));
            if (good)
                sent.push_back(i);
            else
                refused.push_back({i, good.error().text()});
        }
        if (sent.empty()) continue;
        auto done =
            socket_.exchange(bytes, first, sent.size(), [&](std::size_t at, const netlink::Acknowledgement& answer) {
                const auto& operation = operations[sent[at]];
                if (netlink::judge(operation.kind, answer.sys_errno) != netlink::Verdict::Failed) return;
                auto error = Error::system(netlink::describe(operation), answer.sys_errno);
                refused.push_back({sent[at], answer.text.empty() ? error.text() : error.text() + ": " + answer.text});
            });
        if (!done) return error_of(done, "announce addresses");
    }
    std::ranges::sort(refused, {}, &netlink::RefusedAnnounce::index);
    return refused;
}

}  // namespace mainstay::kernel
