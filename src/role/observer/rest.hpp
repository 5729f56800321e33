// When the observer, which has nothing to do, ends: the supervisor starts another one when a client connects, an event
// is there or a dump is asked for (ipc::Rests). A host with hundreds of daemons does not keep a process of each that
// waits. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kRestsAfterWork{30};    // an event, or another configuration
inline constexpr std::chrono::minutes kRestsAfterRequest{5};  // of a client, or for a dump: who asks, asks again

class RestSchedule {
public:
    void worked(Instant now) { due_ = std::max(due_, now + kRestsAfterWork); }
    void asked(Instant now) { due_ = std::max(due_, now + kRestsAfterRequest); }
    [[nodiscard]] bool is_due(Instant now) const { return now >= due_; }

private:
    Instant due_{};
};

// True if the configuration has what an observer does all the time: traffic is sampled, D-Bus is served.
[[nodiscard]] bool needs_observer(const config::Config& config);

}  // namespace mainstay::role
