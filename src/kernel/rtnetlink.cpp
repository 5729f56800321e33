#include "mainstay/kernel/rtnetlink.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/netlink_socket.hpp"
#include "mainstay/netlink/rtnetlink.hpp"
#include "mainstay/netlink/verdicts.hpp"
#include "netlink_listener.hpp"

namespace mainstay::kernel {
namespace {

constexpr std::size_t kAddressBatch = 256;
constexpr std::uint32_t kNoInterface = INT32_MAX;  // the kernel gives the lowest numbers that are free
// Room for some ten thousand notifications, so that a burst on a host with many interfaces does not overrun it.
constexpr std::size_t kLinkBuffer = 8UL * 1024U * 1024U;
constexpr std::size_t kLinkDatagramBytes = 64UL * 1024U;
constexpr int kLinkDatagramsPerRead = 1024;

}  // namespace

struct Rtnetlink::Impl {
    using Append = Result<void> (*)(std::vector<std::byte>&, const Address&, std::uint32_t);

    NetlinkSocket requests;
    UniqueFd listener;
    std::vector<std::byte> buffer = std::vector<std::byte>(kLinkDatagramBytes);
    bool lossy = false;

    [[nodiscard]] std::size_t batch_limit() const { return std::min(kAddressBatch, requests.batch_limit()); }
    [[nodiscard]] Batch build(std::span<const Address> addresses, Append append);
    Result<std::vector<Failure>> carry_out(Batch batch, netlink::Request kind, const std::function<void()>& meanwhile);
    Result<std::vector<Failure>> change(std::span<const Address> addresses, netlink::Request kind, Append append);
};

Rtnetlink::Rtnetlink(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Rtnetlink::Rtnetlink(Rtnetlink&&) noexcept = default;
Rtnetlink& Rtnetlink::operator=(Rtnetlink&&) noexcept = default;
Rtnetlink::~Rtnetlink() = default;

Result<Rtnetlink> Rtnetlink::open() {
    auto requests = NetlinkSocket::open(NETLINK_ROUTE);
    if (!requests) return error_of(requests, "rtnetlink");
    auto listener =
        open_netlink_listener({.protocol = NETLINK_ROUTE,
                               .groups = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_NETCONF},
                               .what = "rtnetlink",
                               .buffer = kLinkBuffer});
    if (!listener) return error_of(listener);
    return Rtnetlink{
        std::unique_ptr<Impl>{new Impl{.requests = std::move(*requests), .listener = std::move(*listener)}}};
}

Result<std::vector<Link>> Rtnetlink::links() {
    std::vector<Link> found;
    auto done = impl_->requests.dump(
        netlink::append_link_dump, [&] { found.clear(); },
        [&](const netlink::Message& message) -> Result<void> {
            auto value = netlink::decode_route_message(message);
            if (!value) return error_of(value);
            if (!*value) return {};
            if (auto* link = std::get_if<LinkChanged>(&**value)) {
                found.push_back(std::move(link->link));
            }
            return {};
        });
    if (!done) return error_of(done, "list the interfaces");
    return found;
}

Result<std::vector<Address>> Rtnetlink::addresses() {
    std::vector<Address> found;
    auto done = impl_->requests.dump(
        netlink::append_address_dump, [&] { found.clear(); },
        [&](const netlink::Message& message) -> Result<void> {
            auto value = netlink::decode_route_message(message);
            if (!value) return error_of(value);
            if (!*value) return {};
            if (auto* added = std::get_if<AddressAdded>(&**value)) {
                found.push_back(std::move(added->address));
            }
            return {};
        });
    if (!done) return error_of(done, "list the addresses");
    return found;
}

Result<std::vector<ForwardingChanged>> Rtnetlink::forwarding() {
    std::vector<ForwardingChanged> found;
    auto done = impl_->requests.dump(
        netlink::append_forwarding_dump, [&] { found.clear(); },
        [&](const netlink::Message& message) -> Result<void> {
            auto value = netlink::decode_route_message(message);
            if (!value) return error_of(value);
            if (*value)
                if (const auto* one = std::get_if<ForwardingChanged>(&**value)) found.push_back(*one);
            return {};
        });
    if (!done) return error_of(done, "list the settings of IPv6");
    return found;
}

Rtnetlink::Batch Rtnetlink::Impl::build(std::span<const Address> addresses, Append append) {
    Batch batch;
    batch.first_sequence = requests.take_sequences(addresses.size());
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        if (append(batch.bytes, addresses[i], batch.first_sequence + static_cast<std::uint32_t>(batch.sent.size()))) {
            batch.sent.push_back(i);
        } else {
            batch.failures.push_back({.index = i, .sys_errno = EINVAL});
        }
    }
    return batch;
}

Result<std::vector<Rtnetlink::Failure>> Rtnetlink::Impl::carry_out(Batch batch, netlink::Request kind,
                                                                   const std::function<void()>& meanwhile) {
    auto failures = std::move(batch.failures);
    auto done = requests.exchange(
        batch.bytes, batch.first_sequence, batch.sent.size(),
        [&](std::size_t index, const netlink::Acknowledgement& answer) {
            if (netlink::judge(kind, answer.sys_errno) != netlink::Verdict::Failed) return;
            failures.push_back({.index = batch.sent[index], .sys_errno = answer.sys_errno, .text = answer.text});
        },
        meanwhile);
    if (!done) return error_of(done, "change addresses");
    std::ranges::sort(failures, {}, &Failure::index);
    return failures;
}

Result<std::vector<Rtnetlink::Failure>> Rtnetlink::Impl::change(std::span<const Address> addresses,
                                                                netlink::Request kind, Append append) {
    std::vector<Failure> failures;
    const std::size_t limit = batch_limit();
    for (std::size_t begin = 0; begin < addresses.size(); begin += limit) {
        const auto some = addresses.subspan(begin, std::min(limit, addresses.size() - begin));
        auto failed = carry_out(build(some, append), kind, {});
        if (!failed) return failed;
        for (Failure& failure : *failed) {
            failure.index += begin;
            failures.push_back(std::move(failure));
        }
    }
    return failures;
}

std::string Rtnetlink::Failure::reason() const {
    const std::string known = std::generic_category().message(sys_errno);
    return text.empty() ? known : known + " (" + text + ")";
}

Rtnetlink::Batch Rtnetlink::prepare_add(std::span<const Address> addresses) {
    return impl_->build(addresses.first(std::min(addresses.size(), impl_->batch_limit())), netlink::append_address_add);
}

void Rtnetlink::warm_up(Address address) {
    address.interface_index = kNoInterface;
    static_cast<void>(add(prepare_add({&address, 1}), {}));
}

Result<std::vector<Rtnetlink::Failure>> Rtnetlink::add(Batch batch, const std::function<void()>& meanwhile) {
    return impl_->carry_out(std::move(batch), netlink::Request::AddAddress, meanwhile);
}

Result<std::vector<Rtnetlink::Failure>> Rtnetlink::add(const std::vector<Address>& addresses) {
    return impl_->change(addresses, netlink::Request::AddAddress, netlink::append_address_add);
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
    const auto lost = [&found] { found.emplace_back(NotificationsLost{}); };
    auto read = kernel::read_notifications(impl_->listener.get(), impl_->buffer, kLinkDatagramsPerRead, "rtnetlink",
                                           take, lost, impl_->lossy);
    if (!read) return error_of(read);
    return found;
}

}  // namespace mainstay::kernel
