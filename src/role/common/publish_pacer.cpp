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
    at_the_latest_ = wanted + kPutOffMax;
    arm(wanted);
}

void PublishPacer::arm(Instant at) {
    due_ = at;
    timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(at));
    timer_.async_wait(lifetime_.when_due([this] { due(); }));
}

void PublishPacer::due() {
    if (stopped_) return;
    const bool may_wait = pause_ > Micros{0} && took_ > kUnnoticed && delays_ && delays_(took_);
    const Instant again = kernel::monotonic_now() + took_;
    if (may_wait && again < at_the_latest_) return arm(again);
    now();
}

void PublishPacer::now() {
    const Instant before = kernel::monotonic_now();
    due_.reset();
    timer_.cancel();
    publish_();
    const Instant after = kernel::monotonic_now();
    took_ = after - before;
    urgent_from_ = after + took_ * shares_.urgent;
    usual_from_ = after + took_ * shares_.usual;
}

void PublishPacer::stop() {
    stopped_ = true;
    timer_.cancel();
}

}  // namespace mainstay::role
