#include "mainstay/kernel/routing.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/netlink_socket.hpp"

namespace mainstay::kernel {
namespace {

using netlink::Routing;

constexpr std::size_t kBatch = 128;
constexpr std::size_t kNotificationBuffer = 1024U * 1024U;
constexpr std::size_t kNotificationBytes = 32U * 1024U;
constexpr int kDatagramsPerRead = 512;

// Where a message tells its type, and a route message its protocol. Loads are in network order, fields are not.
constexpr std::uint32_t kTypeOffset = 4, kProtocolOffset = sizeof(nlmsghdr) + 5;

Result<void> attach_filter(int fd) {
    const auto stored = [](std::uint16_t value) { return std::uint32_t{htons(value)}; };
    std::array<sock_filter, 7> program{{
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kTypeOffset),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, stored(RTM_DELRULE), 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, stored(RTM_DELROUTE), 0, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kProtocolOffset),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, netlink::kProtocolKeepalived, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    const sock_fprog filter{.len = program.size(), .filter = program.data()};
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
        return fail_system("filter the routing notifications", errno);
    return {};
}

Result<UniqueFd> open_listener() {
    UniqueFd fd{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
    if (!fd) return fail_system("open the routing notification socket", errno);
    if (auto filtered = attach_filter(fd.get()); !filtered) return std::unexpected{std::move(filtered.error())};
    (void)size_receive_buffer(fd.get(), kNotificationBuffer);
    sockaddr_nl local{};
    local.nl_family = AF_NETLINK;
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
        return fail_system("bind the routing notification socket", errno);
    for (const int group : {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE})
        if (setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
            return fail_system("listen to routing notifications", errno);
    return fd;
}

Result<void> append(std::vector<std::byte>& out, const Routing& what, bool add, std::uint32_t sequence) {
    if (const auto* route = std::get_if<netlink::Route>(&what))
        return add ? netlink::append_route_add(out, *route, sequence)
                   : netlink::append_route_remove(out, *route, sequence);
    const auto& rule = std::get<netlink::Rule>(what);
    return add ? netlink::append_rule_add(out, rule, sequence) : netlink::append_rule_remove(out, rule, sequence);
}

}  // namespace

struct RoutingTables::Impl {
    NetlinkSocket requests;
    UniqueFd listener;
    std::vector<std::byte> buffer = std::vector<std::byte>(kNotificationBytes);

    Result<std::vector<Answer>> change(const std::vector<Routing>& list, bool add);
    // True while there may be more.
    Result<bool> read_datagram(Removals& found);
};

RoutingTables::RoutingTables(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
RoutingTables::RoutingTables(RoutingTables&&) noexcept = default;
RoutingTables& RoutingTables::operator=(RoutingTables&&) noexcept = default;
RoutingTables::~RoutingTables() = default;

Result<RoutingTables> RoutingTables::open() {
    auto requests = NetlinkSocket::open(NETLINK_ROUTE);
    if (!requests) return std::unexpected{std::move(requests.error()).with("routing")};
    auto listener = open_listener();
    if (!listener) return std::unexpected{std::move(listener.error())};
    return RoutingTables{
        std::unique_ptr<Impl>{new Impl{.requests = std::move(*requests), .listener = std::move(*listener)}}};
}

Result<std::vector<RoutingTables::Answer>> RoutingTables::Impl::change(const std::vector<Routing>& list, bool add) {
    const auto kind = add ? netlink::Request::AddRouting : netlink::Request::RemoveRouting;
    const std::size_t most = std::min(kBatch, requests.batch_limit());
    std::vector<Answer> answers(list.size());
    for (std::size_t begin = 0; begin < list.size(); begin += most) {
        const std::size_t end = std::min(begin + most, list.size());
        const std::uint32_t first = requests.take_sequences(end - begin);
        std::vector<std::byte> bytes;
        std::vector<std::size_t> sent;
        for (std::size_t i = begin; i < end; ++i) {
            auto good = append(bytes, list[i], add, first + static_cast<std::uint32_t>(sent.size()));
            if (good)
                sent.push_back(i);
            else
                answers[i].text = good.error().text();
        }
        auto done = requests.exchange(
            bytes, first, sent.size(), [&](std::size_t index, const netlink::Acknowledgement& answer) {
                auto& mine = answers[sent[index]];
                mine.verdict = netlink::judge(kind, answer.sys_errno);
                if (mine.verdict != netlink::Verdict::Failed) return;
                mine.text =
                    answer.text.empty() ? Error::system("the kernel refuses", answer.sys_errno).text() : answer.text;
            });
        if (!done) return std::unexpected{std::move(done.error()).with("change routes and rules")};
    }
    return answers;
}

Result<std::vector<RoutingTables::Answer>> RoutingTables::add(const std::vector<Routing>& wanted) {
    return impl_->change(wanted, true);
}

Result<std::vector<RoutingTables::Answer>> RoutingTables::remove(const std::vector<Routing>& unwanted) {
    return impl_->change(unwanted, false);
}

int RoutingTables::notification_fd() const { return impl_->listener.get(); }

Result<bool> RoutingTables::Impl::read_datagram(Removals& found) {
    const auto lost = [&found] { return found.lost = true; };
    sockaddr_nl from{};
    iovec piece{.iov_base = buffer.data(), .iov_len = buffer.size()};
    msghdr header{};
    header.msg_name = &from;
    header.msg_namelen = sizeof from;
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    const ssize_t size = recvmsg(listener.get(), &header, MSG_DONTWAIT);
    if (size < 0) {
        if (errno == EINTR) return true;
        if (errno == EAGAIN) return false;
        if (errno == ENOBUFS) return lost();
        return fail_system("read routing notifications", errno);
    }
    if (from.nl_pid != 0) return true;  // not from the kernel
    if ((header.msg_flags & MSG_TRUNC) != 0) return lost();
    netlink::MessageReader reader{std::span{buffer}.first(static_cast<std::size_t>(size))};
    for (;;) {
        const auto message = reader.next();
        if (!message) return lost();
        if (!*message) return true;
        if ((*message)->type != RTM_DELROUTE && (*message)->type != RTM_DELRULE) continue;
        auto value = netlink::decode_routing(**message);
        if (!value) return lost();
        if (*value) found.removed.push_back(std::move(**value));
    }
}

Result<RoutingTables::Removals> RoutingTables::read_removals() {
    Removals found;
    for (int i = 0; i < kDatagramsPerRead; ++i) {
        const auto more = impl_->read_datagram(found);
        if (!more) return std::unexpected{more.error()};
        if (!*more) break;
    }
    return found;
}

}  // namespace mainstay::kernel
