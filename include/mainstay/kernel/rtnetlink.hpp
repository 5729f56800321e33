// Links and addresses over rtnetlink (libmnl codecs in the netlink module).
//
// Two sockets: one for requests (dumps and address batches), one that listens to link and address notifications.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"

namespace mainstay::kernel {

struct Link {
    std::uint32_t index = 0;
    std::string name;
    bool up = false;        // IFF_UP
    bool running = false;   // IFF_RUNNING
    bool loopback = false;
    bool no_arp = false;
    std::uint32_t mtu = 0;
    std::vector<std::byte> hardware_address;
    bool operator==(const Link&) const = default;
};

struct Address {
    std::uint32_t interface_index = 0;
    Prefix prefix;
    std::string label;                   // IPv4
    std::optional<IpAddress> broadcast;  // IPv4
    std::uint8_t scope = 0;
    bool secondary = false;   // reported only
    bool tentative = false;   // reported only: IPv6 DAD not finished
    bool nodad = true;        // requests: IPv6, IFA_F_NODAD
    bool noprefixroute = false;
    bool operator==(const Address&) const = default;
};

struct LinkChanged { Link link; };
struct LinkGone { std::uint32_t index = 0; std::string name; };
struct AddressAdded { Address address; };
struct AddressRemoved { Address address; };
struct NotificationsLost {};  // ENOBUFS: dump again and reconcile
using RouteNotification = std::variant<LinkChanged, LinkGone, AddressAdded, AddressRemoved, NotificationsLost>;

class Rtnetlink {
public:
    // In the caller's network namespace. Needs no privilege to open; changing addresses needs CAP_NET_ADMIN.
    [[nodiscard]] static Result<Rtnetlink> open();
    Rtnetlink(Rtnetlink&&) noexcept;
    Rtnetlink& operator=(Rtnetlink&&) noexcept;
    ~Rtnetlink();

    [[nodiscard]] Result<std::vector<Link>> links();          // dumped again on NLM_F_DUMP_INTR
    [[nodiscard]] Result<std::vector<Address>> addresses();

    struct Failure {
        std::size_t index = 0;
        int sys_errno = 0;
    };
    // One sendmsg for up to 256 addresses; each with its own acknowledgement. EEXIST on adding and EADDRNOTAVAIL on
    // removing count as success (judged in one table in the netlink module). ENODEV and the rest are failures.
    [[nodiscard]] Result<std::vector<Failure>> add(const std::vector<Address>& addresses);
    [[nodiscard]] Result<std::vector<Failure>> remove(const std::vector<Address>& addresses);

    // The listening socket: readable when notifications wait. read() drains what is there without blocking.
    [[nodiscard]] int notification_fd() const;
    [[nodiscard]] Result<std::vector<RouteNotification>> read_notifications();

private:
    struct Impl;
    explicit Rtnetlink(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::kernel
