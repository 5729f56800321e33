// Links and addresses over rtnetlink (libmnl codecs in the netlink module).
//
// Two sockets: one for requests (dumps and address batches), one for link and address notifications.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/netlink/route_types.hpp"

namespace mainstay::kernel {

// The values are the codec's.
using netlink::Address;
using netlink::AddressAdded;
using netlink::AddressRemoved;
using netlink::ForwardingChanged;
using netlink::Link;
using netlink::LinkChanged;
using netlink::LinkGone;
using netlink::NotificationsLost;
using netlink::RouteNotification;

class Rtnetlink {
public:
    // In the caller's network namespace. Needs no privilege to open; changing addresses needs CAP_NET_ADMIN.
    [[nodiscard]] static Result<Rtnetlink> open();
    Rtnetlink(Rtnetlink&&) noexcept;
    Rtnetlink& operator=(Rtnetlink&&) noexcept;
    ~Rtnetlink();

    [[nodiscard]] Result<std::vector<Link>> links();  // dumped again on NLM_F_DUMP_INTR
    [[nodiscard]] Result<std::vector<Address>> addresses();
    [[nodiscard]] Result<std::vector<ForwardingChanged>> forwarding();  // of IPv6, one per interface

    struct Failure {
        std::size_t index = 0;
        int sys_errno = 0;
        std::string text{};                        // the kernel's explanation, often empty
        [[nodiscard]] std::string reason() const;  // "Invalid argument (ipv4: Invalid scope value)"
    };
    // One sendmsg for up to 256 addresses; each with its own acknowledgement. EEXIST on adding, EADDRNOTAVAIL and
    // ENODEV (the interface was removed, and the address with it) on removing count as success (netlink/verdicts.hpp);
    // everything else is a failure. A value that cannot be encoded (no family, index 0) is EINVAL.
    // An error of the call: the socket failed or acknowledgements were lost; dump and reconcile.
    [[nodiscard]] Result<std::vector<Failure>> add(const std::vector<Address>& addresses);
    [[nodiscard]] Result<std::vector<Failure>> remove(const std::vector<Address>& addresses);

    // Requests to add addresses, encoded in advance; at most 256, the rest is left out.
    struct Batch {
        std::vector<std::byte> bytes;
        std::uint32_t first_sequence = 0;
        std::vector<std::size_t> sent;  // position in the batch -> position among the addresses
        std::vector<Failure> failures;  // addresses that could not be encoded
    };
    [[nodiscard]] Batch prepare_add(std::span<const Address> addresses);
    // `meanwhile` is called when the kernel has executed the last request, before the answers are read; not if nothing
    // could be sent.
    [[nodiscard]] Result<std::vector<Failure>> add(Batch batch, const std::function<void()>& meanwhile = {});

    // Requests the address on an interface that does not exist. This changes nothing, but warms the processor's caches
    // for an add() soon after.
    void warm_up(Address address);

    // The notification socket: readable when notifications are pending. read_notifications() reads them without
    // blocking, a bounded number at a time; the socket stays readable for the rest. Lost or damaged notifications are
    // returned as one NotificationsLost at the end, when the queue is empty: what a dump shows from then on is told. If
    // it is not empty at the bound, another one follows.
    [[nodiscard]] int notification_fd() const;
    [[nodiscard]] int command_fd() const;  // the socket for requests, to size its buffer
    [[nodiscard]] Result<std::vector<RouteNotification>> read_notifications();

private:
    struct Impl;
    explicit Rtnetlink(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::kernel
