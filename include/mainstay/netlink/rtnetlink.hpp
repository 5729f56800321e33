// The rtnetlink codec: encodes requests, decodes messages. The socket is in kernel/rtnetlink.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "mainstay/base/error.hpp"
#include "message.hpp"
#include "route_types.hpp"

namespace mainstay::netlink {

// Each appends one message to `out`, so that a batch is a sequence of calls. On an error `out` is unchanged.
void append_link_dump(std::vector<std::byte>& out, std::uint32_t sequence);
void append_address_dump(std::vector<std::byte>& out, std::uint32_t sequence);
// Dumps the forwarding settings of IPv6 (RTM_GETNETCONF).
void append_forwarding_dump(std::vector<std::byte>& out, std::uint32_t sequence);

// With NLM_F_ACK and NLM_F_CREATE | NLM_F_EXCL: an existing address gives EEXIST and is not altered.
[[nodiscard]] Result<void> append_address_add(std::vector<std::byte>& out, const Address& address,
                                              std::uint32_t sequence);
// Identified by interface, address and prefix length; the label of the existing address does not matter.
[[nodiscard]] Result<void> append_address_remove(std::vector<std::byte>& out, const Address& address,
                                                 std::uint32_t sequence);

// Decodes a message of a dump or a notification. No value: it concerns something that mainstay does not use (routes,
// neighbours, a bridge's ports). Errors: damaged bytes.
[[nodiscard]] Result<std::optional<RouteNotification>> decode_route_message(const Message& message);

}  // namespace mainstay::netlink
