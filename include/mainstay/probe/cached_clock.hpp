// The time, read once for many who ask within one turn of the loop: reading it is a system call where the kernel has no
// vDSO, and thousands of checks a second ask four times each.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>

namespace mainstay::probe {

// One per io_context: boost::asio::use_service<CachedClock>(loop). To be used on the loop only.
class CachedClock final : public boost::asio::execution_context::service {
public:
    using key_type = CachedClock;
    using Time = std::chrono::steady_clock::time_point;
    static boost::asio::execution_context::id id;
    // One reading serves so many: what they do takes time as well.
    static constexpr int kUses = 64;

    explicit CachedClock(boost::asio::execution_context& context);

    // Older than the clock by what this turn's handlers took since somebody asked first, 64 of them at most. Whatever
    // takes long calls forget() after it.
    [[nodiscard]] Time now();
    void forget() { left_ = 0; }

private:
    void shutdown() override {}

    boost::asio::io_context& loop_;
    Time read_{};
    int left_ = 0;
    bool turn_ends_ = false;  // is queued
};

}  // namespace mainstay::probe
