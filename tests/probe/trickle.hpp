// A server whose answer has no end: a little of it comes in time each time.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <functional>

#include "clock.hpp"

namespace mainstay::probe::test {

// Lets `step` pass and sends something, until the other end closes the connection. However late that one looks at its
// clock for the first time, it has to come to its end.
inline void trickle(int fd, std::chrono::seconds step, const std::function<void()>& send) {
    constexpr int kMillisecondsBetween = 5;  // so that it is read rather than gathered
    char bytes[4096];
    for (;;) {
        pass_unheard(step);
        send();
        pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
        if (::poll(&one, 1, kMillisecondsBetween) > 0 && ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0) return;
    }
}

}  // namespace mainstay::probe::test
