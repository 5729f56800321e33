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
#include "netlink_listener.hpp"

namespace mainstay::kernel {
namespace {

using netlink::Routing;

constexpr std::size_t kRoutingBatch = 128;
constexpr std::size_t kRoutingBuffer = 1024UL * 1024U;
constexpr std::size_t kRoutingDatagramBytes = 32UL * 1024U;
constexpr int kRoutingDatagramsPerRead = 512;

// The offsets of a message's type and of a route's protocol. BPF loads are in network order, the fields are not.
constexpr std::uint32_t kTypeOffset = 4, kProtocolOffset = sizeof(nlmsghdr) + 5;

Result<UniqueFd> open_listener() {
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
    return open_netlink_listener(
        {.protocol = NETLINK_ROUTE,
         .groups = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE},
         .what = "routing",
         .buffer = kRoutingBuffer,
         .filter = &filter});
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
    std::vector<std::byte> buffer = std::vector<std::byte>(kRoutingDatagramBytes);
    bool lossy = false;

    Result<std::vector<Answer>> change(const std::vector<Routing>& list, bool add);
};

RoutingTables::RoutingTables(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
RoutingTables::RoutingTables(RoutingTables&&) noexcept = default;
RoutingTables& RoutingTables::operator=(RoutingTables&&) noexcept = default;
RoutingTables::~RoutingTables() = default;

Result<RoutingTables> RoutingTables::open() {
    auto requests = NetlinkSocket::open(NETLINK_ROUTE);
    if (!requests) return error_of(requests, "routing");
    auto listener = open_listener();
    if (!listener) return error_of(listener);
    return RoutingTables{
        std::unique_ptr<Impl>{new Impl{.requests = std::move(*requests), .listener = std::move(*listener)}}};
}

Result<std::vector<RoutingTables::Answer>> RoutingTables::Impl::change(const std::vector<Routing>& list, bool add) {
    const auto kind = add ? netlink::Request::AddRouting : netlink::Request::RemoveRouting;
    const std::size_t most = std::min(kRoutingBatch, requests.batch_limit());
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
        if (!done) return error_of(done, "change routes and rules");
    }
    return answers;
}

Result<std::vector<RoutingTables::Answer>> RoutingTables::add(const std::vector<Routing>& wanted) {
    return impl_->change(wanted, true);
}

Result<std::vector<RoutingTables::Answer>> RoutingTables::remove(const std::vector<Routing>& unwanted) {
    return impl_->change(unwanted, false);
}

Result<std::vector<Routing>> RoutingTables::entries() {
    std::vector<Routing> found;
    for (const auto make : {netlink::append_route_dump, netlink::append_policy_rule_dump}) {
        const std::size_t before = found.size();
        auto done = impl_->requests.dump(
            make, [&] { found.resize(before); },
            [&](const netlink::Message& message) -> Result<void> {
                auto value = netlink::decode_routing(message);
                if (!value) return error_of(value);
                if (*value &&
                    std::visit([](const auto& one) { return one.protocol; }, **value) == netlink::kProtocolKeepalived)
                    found.push_back(std::move(**value));
                return {};
            });
        if (!done) return error_of(done, "list routes and rules");
    }
    return found;
}

int RoutingTables::notification_fd() const { return impl_->listener.get(); }

Result<RoutingTables::Removals> RoutingTables::read_removals() {
    Removals found;
    const auto take = [&found](const netlink::Message& message) {
        if (message.type != RTM_DELROUTE && message.type != RTM_DELRULE) return true;
        auto value = netlink::decode_routing(message);
        if (value && *value) found.removed.push_back(std::move(**value));
        return value.has_value();
    };
    auto read = read_notifications(
        impl_->listener.get(), impl_->buffer, kRoutingDatagramsPerRead, "routing", take,
        [&found] { found.lost = true; }, impl_->lossy);
    if (!read) return error_of(read);
    return found;
}

}  // namespace mainstay::kernel
