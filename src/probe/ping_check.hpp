// PING_CHECK: does the server answer an ICMP echo in time? (RFC 792, RFC 4443)
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <memory>

#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"

namespace mainstay::probe {

// keepalived's.
inline constexpr std::size_t kPingPayloadBytes = 128;

// By a datagram socket, which gets its own answers only; where net.ipv4.ping_group_range forbids that, by a raw one,
// which gets all answers of the server. Every try has a socket of its own and with it an identifier of its own: a late
// answer to an earlier try is nobody's.
[[nodiscard]] boost::asio::awaitable<Finding> ping_check(Connection check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
