// TCP_CHECK: can a connection be established in time? No data; closed at once with a normal FIN.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <memory>

#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"

namespace mainstay::probe {

// One result, one exit. Refused, unreachable, reset: Failed. No connection in time: TimedOut. Whatever goes wrong on
// this host (no descriptor, cannot bind, no local port): NotRun.
[[nodiscard]] boost::asio::awaitable<Finding> tcp_check(Connection check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
