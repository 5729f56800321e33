// TCP_CHECK: can a connection be established in time? No data; closed at once with a normal FIN.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/probe/finding.hpp"

namespace mainstay::probe {

struct TcpCheck {
    Endpoint target;               // the port is not 0
    std::optional<Endpoint> bind;  // bindto, bind_port; port 0: any
    std::string bind_if;           // empty: as routed
    Micros connect_timeout{5'000'000};
};
[[nodiscard]] TcpCheck tcp_check_of(const config::Checker& checker);

// One try, cancellable from outside. Shared, because its watchdog's handler may be queued when the rest is gone.
class TcpAttempt {
public:
    explicit TcpAttempt(const boost::asio::any_io_executor& executor);
    ~TcpAttempt();
    // Wakes the coroutine; its finding is then NotRun, "cancelled".
    void cancel();

    struct State;
    [[nodiscard]] const std::shared_ptr<State>& state() const { return state_; }

private:
    std::shared_ptr<State> state_;
};

// One result, one exit. Refused, unreachable, reset: Failed. No connection in time: TimedOut. Whatever goes wrong on
// this host (no descriptor, cannot bind, no local port): NotRun.
[[nodiscard]] boost::asio::awaitable<Finding> tcp_check(TcpCheck check, std::shared_ptr<TcpAttempt> attempt);

}  // namespace mainstay::probe
