#include "publish_pacer.hpp"

#include <algorithm>

#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {

void PublishPacer::within(Micros pause) {
    if (stopped_ || (due_ && pause >= pause_))
        return;  // a publish is already due at least as early: no need to read the clock
    pause_ = pause;
    set_timer(std::max(kernel::monotonic_now() + pause, usual_from_));
}

void PublishPacer::at_once() {
    if (stopped_) return;
    if (urgent_from_ <= kernel::monotonic_now()) return now();
    pause_ = Micros{0};
    set_timer(urgent_from_);
}

void PublishPacer::set_timer(Instant wanted) {
    if (due_ && *due_ <= wanted) return;
    due_ = wanted;
    timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(wanted));
    timer_.async_wait(lifetime_.when_due([this] {
        if (!stopped_) now();
    }));
}

void PublishPacer::now() {
    const Instant before = kernel::monotonic_now();
    due_.reset();
    timer_.cancel();
    publish_();
    const Instant after = kernel::monotonic_now();
    urgent_from_ = after + (after - before) * shares_.urgent;
    usual_from_ = after + (after - before) * shares_.usual;
}

void PublishPacer::stop() {
    stopped_ = true;
    timer_.cancel();
}

}  // namespace mainstay::role
