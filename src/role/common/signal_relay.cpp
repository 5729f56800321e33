#include "signal_relay.hpp"

#include <utility>

#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/signals.hpp"

namespace mainstay::role {
namespace {

constexpr int kSignalsPerTurn = 16;  // real-time signals queue up

}  // namespace

SignalRelay::SignalRelay(boost::asio::io_context& loop, Log& log, std::function<void(int)> hand_on)
    : log_{log}, hand_on_{std::move(hand_on)}, queue_{loop} {
    auto queue = kernel::queue_signals(kernel::asking_signals());
    if (!queue) {
        log_.warning("signals to this process are ignored: {}", queue.error().text());
        return;
    }
    queue_.assign(queue->release());
    listen();
}

void SignalRelay::listen() {
    queue_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        take();
        listen();
    });
}

void SignalRelay::take() {
    for (int taken = 0; taken < kSignalsPerTurn; ++taken) {
        const auto signal = kernel::next_signal(queue_.native_handle());
        if (!signal) return;
        if (may_ask_.take(kernel::monotonic_now()))
            hand_on_(*signal);
        else
            log_.debug("signal {} is ignored: there are too many", *signal);
    }
}

}  // namespace mainstay::role
