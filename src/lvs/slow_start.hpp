// slow_start: the weight of a server that returns grows from 1 to the full one, in steps.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "services.hpp"

namespace mainstay::lvs {

// The weight at a time after the server came up, and the time of the next step. None: it is the full weight.
struct RampStep {
    std::int64_t weight = 1;
    Micros next{0};  // since the server came up
    bool operator==(const RampStep&) const = default;
};
[[nodiscard]] std::optional<RampStep> ramp_at(std::int64_t full, Micros time, Nanos since_up);

class SlowStart {
public:
    // The server has come up.
    void begin(Services& services, const ServerRef& ref, Instant now, Intents& out);
    // Its full weight may have changed. True: its current weight has changed.
    bool follow(Services& services, const ServerRef& ref, Instant now);
    void on_deadline(Services& services, Instant now, Intents& out);
    // After the services were replaced: continues the growth recorded in their states.
    void rearm(Services& services, Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;
    // Whether all steps are of servers that exist, which a state that was read back may not hold.
    [[nodiscard]] bool is_within(const Services& services) const;

private:
    template <class A>
    friend void fields(A& archive, SlowStart& slow_start);  // judge_state.cpp

    std::set<std::pair<Instant, ServerRef>> steps_;  // the next step of each growing weight
};

}  // namespace mainstay::lvs
