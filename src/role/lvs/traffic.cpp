// The kernel's counters are read while somebody collects metrics: each collection asks for them again.
#include "role_impl.hpp"

namespace mainstay::role {

void LvsRole::on_relayed(const ipc::Message& message) {
    if (!std::holds_alternative<ipc::ReadTraffic>(message) || !started_ || stopping_) return;
    if (!std::exchange(traffic_asked_, true) && !counts_always_) count_traffic(std::nullopt);
    traffic_timer_.expires_after(options_.traffic_kept);
    traffic_timer_.async_wait(lifetime_.when_due([this] {
        if (!stopping_) forget_traffic();
    }));
}

// Old counters must not be shown as the current ones.
void LvsRole::forget_traffic() {
    traffic_asked_ = false;
    if (counts_always_) return;
    counters_.reset();
    publish_within(kPublishLater);
}

}  // namespace mainstay::role
