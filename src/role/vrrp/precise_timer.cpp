#include "precise_timer.hpp"

#include <algorithm>

namespace mainstay::role {

namespace {

Instant clock_now() { return std::chrono::time_point_cast<Nanos>(std::chrono::steady_clock::now()); }

}  // namespace

PreciseTimer::PreciseTimer(boost::asio::io_context& loop, std::function<void()> ahead, std::function<bool()> waits,
                           std::function<bool(Instant)> is_tight, std::function<void()> due)
    : timer_{loop},
      ahead_{std::move(ahead)},
      waits_{std::move(waits)},
      is_tight_{std::move(is_tight)},
      due_{std::move(due)},
      saved_at_{clock_now()} {}

void PreciseTimer::at(std::optional<Instant> deadline) {
    if (deadline == deadline_) return;
    deadline_ = deadline;
    if (!awaking_) arm();
}

void PreciseTimer::cancel() {
    deadline_.reset();
    timer_.cancel();
}

bool PreciseTimer::may_watch(Instant now) {
    saved_ = std::min<Nanos>(saved_ + (now - saved_at_) / kShareOfTime, kSavedMax);
    saved_at_ = now;
    return saved_ >= Nanos{kAhead};
}

void PreciseTimer::arm() {
    if (!deadline_) {
        timer_.cancel();
        return;
    }
    const Instant now = clock_now();
    const Instant wake = is_tight_(*deadline_) && may_watch(now) ? *deadline_ - Nanos{kAhead} : *deadline_;
    timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(wake));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) awake();
    });
}

// Reads what arrived before the deadline. True: the deadline has moved.
bool PreciseTimer::put_off(std::optional<Instant> planned) {
    awaking_ = true;
    ahead_();
    awaking_ = false;
    return deadline_ != planned;
}

void PreciseTimer::awake() {
    const auto planned = deadline_;
    if (!planned) return;
    if (put_off(planned)) return arm();
    const Instant begun = clock_now();
    Instant now = begun;
    bool later = false;
    do {  // at least once: packets that arrived while ahead_ ran are read before the deadline fires
        later = waits_() && put_off(planned);
        now = clock_now();
    } while (!later && now < *planned && now - begun <= Nanos{kAhead});
    saved_ -= now - begun;
    if (later || now < *planned) return arm();
    deadline_.reset();
    due_();
}

}  // namespace mainstay::role
