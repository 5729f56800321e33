// The requests by which an address is announced: an address with a lifetime on the interface that a routing daemon
// watches, and apart from it a route that lets this host take the packets (rtnetlink(7)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"
#include "verdicts.hpp"

namespace mainstay::netlink {

struct AnnounceOperation {
    enum class Kind : std::uint8_t {
        AddRoute,     // `local` in the table local over lo: it does not depend on the address, which comes and goes
        Announce,     // sets the address, or renews its lifetime
        Withdraw,     // removes it
        RemoveRoute,  // the one of AddRoute
    } kind = Kind::Announce;
    IpAddress address;      // as a /32 or /128, without broadcast: routing daemons keep stale ones that have such
    std::string interface;  // of Announce and Withdraw
    Seconds lifetime{0};    // of Announce; 0: none, it stays
    bool operator==(const AnnounceOperation&) const = default;
};
using AnnounceOperations = std::vector<AnnounceOperation>;

// An operation that the kernel refused.
struct RefusedAnnounce {
    std::size_t index = 0;  // among the operations
    std::string text;       // for people
};

// "announce 192.0.2.1 on ms-vip", for messages.
[[nodiscard]] std::string describe(const AnnounceOperation& operation);
// What an errno means as the answer. An address that exists is renewed, so Announce forgives nothing.
[[nodiscard]] Verdict judge(AnnounceOperation::Kind kind, int sys_errno);
// Appends one message with NLM_F_ACK; `index`: of the interface, or of lo for routes. On an error `out` is unchanged.
[[nodiscard]] Result<void> append_announce(std::vector<std::byte>& out, const AnnounceOperation& operation,
                                           std::uint32_t index, std::uint32_t sequence);

}  // namespace mainstay::netlink
