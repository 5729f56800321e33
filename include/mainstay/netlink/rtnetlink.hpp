// The rtnetlink codec: requests into bytes, messages into values. No socket here (kernel/rtnetlink.hpp has it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "mainstay/base/error.hpp"
#include "message.hpp"
#include "route_types.hpp"

namespace mainstay::netlink {

// Each appends one message to `out`, so that a batch is a row of calls. On an error `out` is unchanged.
void append_link_dump(std::vector<std::byte>& out, std::uint32_t sequence);
void append_address_dump(std::vector<std::byte>& out, std::uint32_t sequence);
// Of the settings of IPv6 (RTM_GETNETCONF).
void append_forwarding_dump(std::vector<std::byte>& out, std::uint32_t sequence);

// With NLM_F_ACK, and NLM_F_CREATE | NLM_F_EXCL: a present address is EEXIST and is never altered.
[[nodiscard]] Result<void> append_address_add(std::vector<std::byte>& out, const Address& address,
                                              std::uint32_t sequence);
// Named by interface, address and prefix length alone: the label of the one that is there does not matter.
[[nodiscard]] Result<void> append_address_remove(std::vector<std::byte>& out, const Address& address,
                                                 std::uint32_t sequence);

// A message of a dump or a notification. No value: it is about nothing that mainstay follows (routes, neighbours, a
// bridge's ports). Errors: damaged bytes.
[[nodiscard]] Result<std::optional<RouteNotification>> decode_route_message(const Message& message);

}  // namespace mainstay::netlink
