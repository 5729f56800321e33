#include "publish_pacer.hpp"

#include <algorithm>

#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {

void PublishPacer::within(Micros pause) {
    if (stopped_ || (due_ && pause >= pause_)) return;  // asked for earlier, due no later: the clock need not be read
    const Instant wanted = std::max(kernel::monotonic_now() + pause, allowed_);
    if (due_ && *due_ <= wanted) return;
    due_ = wanted;
    pause_ = pause;
    timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(wanted));
    timer_.async_wait([this, alive = std::weak_ptr{alive_}](const boost::system::error_code& error) {
        if (!error && !alive.expired() && !stopped_) now();
    });
}

void PublishPacer::now() {
    const Instant before = kernel::monotonic_now();
    due_.reset();
    publish_();
    const Instant after = kernel::monotonic_now();
    allowed_ = after + (after - before) * share_;
}

void PublishPacer::stop() {
    stopped_ = true;
    timer_.cancel();
}

}  // namespace mainstay::role
