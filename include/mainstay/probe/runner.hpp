// Runs probes: one coroutine each on one loop, at most a given number at a time; the others wait in order, which the
// log says when it lasts. Every started probe gives one result, unless it is cancelled.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "finding.hpp"
#include "mainstay/base/log.hpp"
#include "probe.hpp"

namespace mainstay::probe {

// Each takes a descriptor for up to connect_timeout.
inline constexpr std::size_t kConcurrentChecksMax = 4096;

class Runner {
public:
    using Done = std::function<void(std::uint64_t check, Finding finding)>;

    // `done` is called on the loop, never from within start(). `loop` and `log` must outlive all probes.
    Runner(boost::asio::io_context& loop, Log& log, Done done, std::size_t concurrent_max = kConcurrentChecksMax);
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    ~Runner();  // cancels running probes

    // `check` is the caller's id for it. Starting an id that already runs or waits is ignored.
    void start(std::uint64_t check, Probe what);
    // Its result will not be reported.
    void cancel(std::uint64_t check);
    // Cancels all, accepts no more, and calls `stopped` on the loop when the last coroutine has ended.
    void stop(std::function<void()> stopped);

    [[nodiscard]] std::size_t running() const;
    [[nodiscard]] std::size_t waiting() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace mainstay::probe
