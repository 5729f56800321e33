// Sets and removes the addresses that are announced, and their routes. Blocks only until the kernel has answered.
// Needs CAP_NET_ADMIN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "link_maker.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/netlink/announce.hpp"
#include "netlink_socket.hpp"

namespace mainstay::kernel {

class AnnouncedAddresses {
public:
    [[nodiscard]] static Result<AnnouncedAddresses> open();  // in the caller's network namespace

    // In their order, in batches; the refused ones in ascending order. An interface to announce on that does not exist
    // is made, as a dummy; one that is down is set up. An error of the call: the socket failed, and it is unknown what
    // was done.
    [[nodiscard]] Result<std::vector<netlink::RefusedAnnounce>> perform(const netlink::AnnounceOperations& operations);

private:
    AnnouncedAddresses(NetlinkSocket socket, LinkMaker links) : socket_{std::move(socket)}, links_{std::move(links)} {}
    using Indices = std::map<std::string, Result<std::uint32_t>>;  // of one call
    [[nodiscard]] Result<std::uint32_t> index_for(const netlink::AnnounceOperation& operation, Indices& known);
    [[nodiscard]] Result<std::uint32_t> make_interface(const std::string& name);

    NetlinkSocket socket_;
    LinkMaker links_;
};

}  // namespace mainstay::kernel
