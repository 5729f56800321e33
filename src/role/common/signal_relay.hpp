// keepalived's children reload and write dumps when they get the signals for it, and people and exporters find them by
// their pid files or by their name. Here only the supervisor can do either: a role hands it the signal.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>

#include "mainstay/base/log.hpp"
#include "message_budget.hpp"

namespace mainstay::role {

class SignalRelay {
public:
    // From here on the process, with the threads that it starts later, gets those signals as calls of `hand_on`.
    SignalRelay(boost::asio::io_context& loop, Log& log, std::function<void(int signal)> hand_on);

private:
    void listen();
    void take();

    Log& log_;
    std::function<void(int)> hand_on_;
    boost::asio::posix::stream_descriptor queue_;
    // Whoever signals without end must not make an honest role exceed what the supervisor takes of it.
    TokenBucket may_ask_{kRequestRate};
};

}  // namespace mainstay::role
