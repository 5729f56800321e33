// TCP_CHECK: whether a connection can be established in time. Sends no data and closes at once with a normal FIN.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <memory>

#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"

namespace mainstay::probe {

// Refused, unreachable, reset: Failed. No connection in time: TimedOut. A shortage of this host (no descriptor, no
// local port), or a source that it has not got: NotRun. error_meaning.hpp has the numbers.
[[nodiscard]] boost::asio::awaitable<Finding> tcp_check(Connection check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
