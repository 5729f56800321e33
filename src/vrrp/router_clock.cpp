// The calendar time that a router reckons with: the monotonic clock of its steps and an offset that its adapter sets.
#include <cstdlib>

#include "router_impl.hpp"

namespace mainstay::vrrp {

void Router::Impl::on(Step step, const ClockTold& fact) {
    clock_offset_us = fact.at.unix_us - std::chrono::duration_cast<Micros>(step.now.time_since_epoch()).count();
}

Step Router::Impl::step_at(Instant now, Intents& out) {
    const std::int64_t micros = std::chrono::duration_cast<Micros>(now.time_since_epoch()).count();
    return {now, out, clock_offset_us == 0 ? 0 : micros + clock_offset_us, &advert_lateness};
}

bool Router::clock_agrees(WallTime at, Instant now) const {
    const std::int64_t offset = at.unix_us - std::chrono::duration_cast<Micros>(now.time_since_epoch()).count();
    return impl_->clock_offset_us != 0 && std::abs(offset - impl_->clock_offset_us) <= kClockSlack.count();
}

}  // namespace mainstay::vrrp
