// What every check has in common: target, source address, timeout, and an attempt that can be cancelled.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::probe {

// A check over a connection has this many times connect_timeout from its start to its end, whatever its server sends.
// Each wait in it has connect_timeout, as in keepalived, which reads on for ever while something comes in time.
inline constexpr int kCheckWaitsMax = 12;

struct Connection {
    Endpoint target;               // the port is not 0, but for an ICMP echo
    std::optional<Endpoint> bind;  // bindto, bind_port; port 0: any
    std::string bind_if;           // empty: as routed
    Micros connect_timeout{5'000'000};
    std::uint32_t mark = 0;  // SO_MARK; 0: none
};
[[nodiscard]] Connection connection_of(const config::Checker& checker);

// One cancellable attempt. Shared, because the handler of its timeout may still be queued when the check has ended.
class Attempt {
public:
    explicit Attempt(const boost::asio::any_io_executor& executor);
    ~Attempt();
    // Resumes the coroutine, which then returns NotRun, "cancelled".
    void cancel();

    struct State;
    [[nodiscard]] const std::shared_ptr<State>& state() const { return state_; }

private:
    std::shared_ptr<State> state_;
};

}  // namespace mainstay::probe
