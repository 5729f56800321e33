// PING_CHECK: whether the server answers an ICMP echo in time (RFC 792, RFC 4443).
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <memory>

#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"

namespace mainstay::probe {

// keepalived's.
inline constexpr std::size_t kPingPayloadBytes = 128;

// Uses a datagram socket, which receives only its own answers; where net.ipv4.ping_group_range forbids that, a raw one,
// which receives all answers of the server. Every try has its own socket and identifier, so that a late answer to an
// earlier try is ignored.
[[nodiscard]] boost::asio::awaitable<Finding> ping_check(Connection check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
