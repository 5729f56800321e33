// The current time, cached for one turn of the loop: reading the clock is a system call where the kernel has no vDSO,
// and thousands of checks per second need it four times each.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>

namespace mainstay::probe {

// One per io_context: boost::asio::use_service<CachedClock>(loop). Use it on the loop only.
class CachedClock final : public boost::asio::execution_context::service {
public:
    using key_type = CachedClock;
    using Time = std::chrono::steady_clock::time_point;
    static boost::asio::execution_context::id id;
    // One reading serves at most this many calls, because the work between them takes time.
    static constexpr int kUses = 64;

    explicit CachedClock(boost::asio::execution_context& context);

    // At most as old as the first call in this turn of the loop, and 64 calls. Code that takes long calls forget()
    // afterwards.
    [[nodiscard]] Time now();
    void forget() { left_ = 0; }

private:
    void shutdown() override {}

    boost::asio::io_context& loop_;
    Time read_{};
    int left_ = 0;
    bool turn_ends_ = false;  // the handler that ends the turn is queued
};

}  // namespace mainstay::probe
