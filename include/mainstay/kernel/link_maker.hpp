// Creates, changes and removes interfaces in the caller's network namespace, over its own netlink socket. Needs
// CAP_NET_ADMIN. The kernel answers within the call.
#pragma once

#include "mainstay/base/error.hpp"
#include "mainstay/netlink/link_request.hpp"
#include "netlink_socket.hpp"

namespace mainstay::kernel {

using netlink::LinkSettings;
using netlink::NewLink;

class LinkMaker {
public:
    [[nodiscard]] static Result<LinkMaker> open();

    // The errno of a refusal is in the error: EEXIST when the name is taken, EOPNOTSUPP when the kernel lacks the kind.
    [[nodiscard]] Result<void> make(const NewLink& link);
    [[nodiscard]] Result<void> set(const LinkSettings& settings);
    // An interface that does not exist (ENODEV) is no error.
    [[nodiscard]] Result<void> remove(std::uint32_t index);

private:
    explicit LinkMaker(NetlinkSocket socket) : socket_{std::move(socket)} {}
    [[nodiscard]] Result<void> send(std::span<const std::byte> request, std::uint32_t sequence, std::string attempt);

    NetlinkSocket socket_;
};

// The index of an interface; 0: it does not exist.
[[nodiscard]] std::uint32_t interface_index(const std::string& name);
[[nodiscard]] std::string interface_name(std::uint32_t index);  // empty: it does not exist

}  // namespace mainstay::kernel
