// A monotonic clock that a test can let run ahead, so that nothing has to wait for a time to pass, and nothing times
// out because the machine is busy.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <thread>

namespace mainstay::probe::test {

inline constexpr std::chrono::seconds kPatience{20};
// Longer than a test waits: whatever times out has been told to, and a timer that is left behind is noticed.
inline constexpr std::chrono::seconds kTimeout{60};

// For the whole program and all its threads and timers, so much more has passed.
void pass(std::chrono::nanoseconds more);
// The same, and only timers that are set from then on know of it: a wait that goes on is not cut short.
void pass_unheard(std::chrono::nanoseconds more);

// Runs the loop until nothing is left for it to do. Its bound is measured with the clock that nobody lets run ahead.
inline void run_to_its_end(boost::asio::io_context& loop) {
    const auto begun = std::chrono::system_clock::now();
    while (!loop.stopped() && std::chrono::system_clock::now() - begun < kPatience)
        loop.run_one_for(std::chrono::seconds{1});
    REQUIRE(loop.stopped());
}

// Each time more than a wait may take, and rarely, because a whole check may take a few of them only: the other end
// shall have begun to wait when so much has passed.
inline constexpr std::chrono::seconds kFlies = kTimeout + std::chrono::seconds{1};
inline constexpr int kFliesEachMs = 30;

// Time flies until the other end closes the connection, whatever it sends.
inline void outlast(int fd) {
    char bytes[4096];
    for (;;) {
        pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
        if (::poll(&one, 1, kFliesEachMs) == 0)
            pass(kFlies);
        else if (::recv(fd, bytes, sizeof bytes, 0) <= 0)
            return;
    }
}

// Time flies while it lives.
class FlyingTime {
public:
    FlyingTime() = default;
    FlyingTime(const FlyingTime&) = delete;
    FlyingTime& operator=(const FlyingTime&) = delete;
    ~FlyingTime() {
        over_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> over_ = false;
    std::thread thread_{[this] {
        for (; !over_; std::this_thread::sleep_for(std::chrono::milliseconds{kFliesEachMs})) pass(kFlies);
    }};
};

}  // namespace mainstay::probe::test
