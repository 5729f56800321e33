// A loop that stands still, as with its virtual machine, while the server goes on.
#pragma once

#include <poll.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <future>

#include "clock.hpp"
#include "mainstay/probe/attempt.hpp"
#include "probe/connect.hpp"

namespace mainstay::probe::test {

// Until these have happened to the socket.
inline void until(int fd, short events) {
    pollfd one{.fd = fd, .events = events, .revents = 0};
    const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kPatience);
    while ((one.revents & events) != events)
        if (::poll(&one, 1, static_cast<int>(patience.count())) <= 0) return;
}

// Of the loop: it stands still until these have happened to the socket of a check that waits for its answer, and so
// much time has passed.
class Pause {
public:
    [[nodiscard]] std::function<void(Attempt&)> begun() {
        return [this](Attempt& attempt) { attempt_.set_value(&attempt); };
    }
    // Returns when it has begun.
    void begins(short awaited, std::chrono::nanoseconds more) {
        Attempt* const attempt = attempt_.get_future().get();
        const auto executor = attempt->state()->watchdog.get_executor();
        std::promise<void> stands;
        // One turn later the check waits for its answer.
        boost::asio::post(executor, [=, &stands] {
            boost::asio::post(executor, [=, &stands] {
                stands.set_value();
                until(attempt->state()->socket.native_handle(), awaited);
                pass(more);
            });
        });
        stands.get_future().wait();
    }

private:
    std::promise<Attempt*> attempt_;
};

}  // namespace mainstay::probe::test
