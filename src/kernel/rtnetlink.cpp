#include "mainstay/kernel/rtnetlink.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/netlink_listener.hpp"
#include "mainstay/kernel/netlink_socket.hpp"
#include "mainstay/netlink/rtnetlink.hpp"
#include "mainstay/netlink/verdicts.hpp"

namespace mainstay::kernel {
namespace {

constexpr std::size_t kAddressBatch = 256;
// Some ten thousand notifications: a flood on a host with many interfaces does not overrun it at once.
constexpr std::size_t kNotificationBuffer = 8U * 1024U * 1024U;
constexpr std::size_t kNotificationBytes = 64U * 1024U;
constexpr int kDatagramsPerRead = 1024;

}  // namespace

struct Rtnetlink::Impl {
    using Append = Result<void> (*)(std::vector<std::byte>&, const Address&, std::uint32_t);

    NetlinkSocket requests;
    UniqueFd listener;
    std::vector<std::byte> buffer = std::vector<std::byte>(kNotificationBytes);

    Result<std::vector<Failure>> change(const std::vector<Address>& addresses, netlink::Request kind, Append append,
                                        const std::function<void()>& meanwhile = {});
};

Rtnetlink::Rtnetlink(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Rtnetlink::Rtnetlink(Rtnetlink&&) noexcept = default;
Rtnetlink& Rtnetlink::operator=(Rtnetlink&&) noexcept = default;
Rtnetlink::~Rtnetlink() = default;

Result<Rtnetlink> Rtnetlink::open() {
    auto requests = NetlinkSocket::open(NETLINK_ROUTE);
    if (!requests) return std::unexpected{std::move(requests.error()).with("rtnetlink")};
    auto listener =
        open_netlink_listener({.protocol = NETLINK_ROUTE,
                               .groups = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_NETCONF},
                               .what = "rtnetlink",
                               .buffer = kNotificationBuffer});
    if (!listener) return std::unexpected{std::move(listener.error())};
    return Rtnetlink{
        std::unique_ptr<Impl>{new Impl{.requests = std::move(*requests), .listener = std::move(*listener)}}};
}

Result<std::vector<Link>> Rtnetlink::links() {
    std::vector<Link> found;
    auto done = impl_->requests.dump(
        netlink::append_link_dump, [&] { found.clear(); },
        [&](const netlink::Message& message) -> Result<void> {
            auto value = netlink::decode_route_message(message);
            if (!value) return std::unexpected{std::move(value.error())};
            if (!*value) return {};
            if (auto* link = std::get_if<LinkChanged>(&**value)) {
                found.push_back(std::move(link->link));
            }
            return {};
        });
    if (!done) return std::unexpected{std::move(done.error()).with("list the interfaces")};
    return found;
}

Result<std::vector<Address>> Rtnetlink::addresses() {
    std::vector<Address> found;
    auto done = impl_->requests.dump(
        netlink::append_address_dump, [&] { found.clear(); },
        [&](const netlink::Message& message) -> Result<void> {
            auto value = netlink::decode_route_message(message);
            if (!value) return std::unexpected{std::move(value.error())};
            if (!*value) return {};
            if (auto* added = std::get_if<AddressAdded>(&**value)) {
                found.push_back(std::move(added->address));
            }
            return {};
        });
    if (!done) return std::unexpected{std::move(done.error()).with("list the addresses")};
    return found;
}

Result<std::vector<ForwardingChanged>> Rtnetlink::forwarding() {
    std::vector<ForwardingChanged> found;
    auto done = impl_->requests.dump(
        netlink::append_forwarding_dump, [&] { found.clear(); },
        [&](const netlink::Message& message) -> Result<void> {
            auto value = netlink::decode_route_message(message);
            if (!value) return std::unexpected{std::move(value.error())};
            if (*value)
                if (const auto* one = std::get_if<ForwardingChanged>(&**value)) found.push_back(*one);
            return {};
        });
    if (!done) return std::unexpected{std::move(done.error()).with("list the settings of IPv6")};
    return found;
}

Result<std::vector<Rtnetlink::Failure>> Rtnetlink::Impl::change(const std::vector<Address>& addresses,
                                                                netlink::Request kind, Append append,
                                                                const std::function<void()>& meanwhile) {
    std::vector<Failure> failures;
    const std::size_t batch_limit = std::min(kAddressBatch, requests.batch_limit());
    for (std::size_t begin = 0; begin < addresses.size(); begin += batch_limit) {
        const std::size_t end = std::min(begin + batch_limit, addresses.size());
        const std::uint32_t first = requests.take_sequences(end - begin);
        std::vector<std::byte> bytes;
        std::vector<std::size_t> sent;  // position in the batch -> position in `addresses`
        for (std::size_t i = begin; i < end; ++i) {
            if (append(bytes, addresses[i], first + static_cast<std::uint32_t>(sent.size()))) {
                sent.push_back(i);
            } else {
                failures.push_back({.index = i, .sys_errno = EINVAL});
            }
        }
        auto done = requests.exchange(
            bytes, first, sent.size(),
            [&](std::size_t index, const netlink::Acknowledgement& answer) {
                if (netlink::judge(kind, answer.sys_errno) != netlink::Verdict::Failed) return;
                failures.push_back({.index = sent[index], .sys_errno = answer.sys_errno});
            },
            end == addresses.size() ? meanwhile : std::function<void()>{});
        if (!done) return std::unexpected{std::move(done.error()).with("change addresses")};
    }
    std::ranges::sort(failures, {}, &Failure::index);
    return failures;
}

Result<std::vector<Rtnetlink::Failure>> Rtnetlink::add(const std::vector<Address>& addresses,
                                                       const std::function<void()>& meanwhile) {
    return impl_->change(addresses, netlink::Request::AddAddress, netlink::append_address_add, meanwhile);
}

Result<std::vector<Rtnetlink::Failure>> Rtnetlink::remove(const std::vector<Address>& addresses) {
    return impl_->change(addresses, netlink::Request::RemoveAddress, netlink::append_address_remove);
}

int Rtnetlink::notification_fd() const { return impl_->listener.get(); }
int Rtnetlink::command_fd() const { return impl_->requests.fd(); }

Result<std::vector<RouteNotification>> Rtnetlink::read_notifications() {
    std::vector<RouteNotification> found;
    const auto take = [&found](const netlink::Message& message) {
        auto value = netlink::decode_route_message(message);
        if (value && *value) found.push_back(std::move(**value));
        return value.has_value();
    };
    const auto lost = [&found] {
        if (found.empty() || !std::holds_alternative<NotificationsLost>(found.back()))
            found.emplace_back(NotificationsLost{});
    };
    auto read =
        kernel::read_notifications(impl_->listener.get(), impl_->buffer, kDatagramsPerRead, "rtnetlink", take, lost);
    if (!read) return std::unexpected{std::move(read.error())};
    return found;
}

}  // namespace mainstay::kernel
