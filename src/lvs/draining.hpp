// drain_timeout: a server that an operator or a reload removes keeps its connections for a while, with weight 0. It is
// removed from the table when no connection is left or the timeout expires.
#pragma once

#include <optional>
#include <set>

#include "services.hpp"

namespace mainstay::lvs {

class Draining {
public:
    // For a server with a drain_timeout; without one the caller removes it at once.
    void begin(Services& services, const ServerRef& ref, Moment at, Intents& out);
    // Takes over servers that the service's configuration no longer has, and those that were removed before and still
    // drain.
    static void take_removed(Services& services, std::size_t service, const config::VirtualServer& old_config,
                             const ServiceState& old_state, Moment at, Intents& out);
    // After the services were replaced: finds the draining servers by their states.
    void rearm(const Services& services, Instant now);
    void on_deadline(Services& services, Instant now, Intents& out);
    void on_counted(Services& services, const ConnectionsCounted& fact, Intents& out);
    [[nodiscard]] std::optional<Instant> deadline() const { return look_at_; }
    // Whether all its services exist, which a state that was read back may not hold.
    [[nodiscard]] bool is_within(const Services& services) const {
        return services_.empty() || *services_.rbegin() < services.size();
    }

private:
    template <class A>
    friend void fields(A& archive, Draining& draining);  // judge_state.cpp
    void look_at_service(Services& services, std::size_t service, Instant now, Instant& next, Intents& out);
    [[nodiscard]] bool forget_left(Services& services, std::size_t service);

    std::set<std::size_t> services_;  // those with servers that drain
    std::optional<Instant> look_at_;
};

}  // namespace mainstay::lvs
