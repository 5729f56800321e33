// Gratuitous ARP and unsolicited neighbour advertisements for addresses that have just been set.
#pragma once

#include <cstdint>
#include <span>

#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "vrrp_links.hpp"
#include "vrrp_transport.hpp"

namespace mainstay::role {

class Announcer {
public:
    Announcer(VrrpTransport& transport, const Links& links, Log& log)
        : transport_{transport}, links_{links}, log_{log} {}

    // Round by round over all addresses, so that every address is announced once before any is announced twice.
    // Addresses on links without ARP or with another kind of hardware address are passed over.
    void announce(std::span<const kernel::Address> addresses, std::uint32_t rounds, const config::Global& global);

private:
    VrrpTransport& transport_;
    const Links& links_;
    Log& log_;
};

}  // namespace mainstay::role
