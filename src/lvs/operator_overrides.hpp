// Overrides of servers (mainstayctl server). They are kept until they are reset, even for servers that are not
// configured at the moment.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mainstay/lvs/facts.hpp"
#include "mainstay/lvs/overrides.hpp"
#include "services.hpp"

namespace mainstay::lvs {

class OperatorOverrides {
public:
    OperatorOverrides() = default;
    // What an earlier incarnation had: an override whose time is over by now ends at once.
    OperatorOverrides(Overrides known, Moment at);

    [[nodiscard]] const Overrides& all() const { return known_; }
    // Applies the overrides to the fresh state of a service.
    void apply(const config::VirtualServer& config, ServiceState& state) const;
    [[nodiscard]] std::optional<Override> of(const Services& services, const ServerRef& ref) const;
    // Services of a group are named by their places in the file, which a reload may change: the overrides of each stay
    // its own, and those of one that is gone go where another one has its name now.
    void follow(const std::vector<config::VirtualServer>& before, const Services& now);
    // The overrides of servers that are not configured; enabling such a server deletes its override.
    [[nodiscard]] std::vector<OverrideKey> strangers(const Services& services, const ServerPattern& pattern) const;
    // Whether any server of a service with persistence is drained with --expire-persistence.
    [[nodiscard]] bool expires_persistence(const Services& services) const;

    [[nodiscard]] bool has_room_for(const OverrideKey& key) const;
    // Its time, if it has one, begins at `now`.
    void set(const OverrideKey& key, Override override, Instant now);
    void reset(const OverrideKey& key);
    // Takes out the overrides whose time is over.
    [[nodiscard]] Overrides take_ended(Instant now);
    // When an override may end; an early call of take_ended() changes nothing.
    [[nodiscard]] std::optional<Instant> deadline() const { return next_end_; }

private:
    template <class A>
    friend void fields(A& archive, OperatorOverrides& overrides);  // judge_state.cpp
    void plan_end(const OverrideKey& key, Instant at);

    Overrides known_;
    std::map<OverrideKey, Instant> ends_;  // of those that have a time
    std::optional<Instant> next_end_;      // the first of them, or earlier
};

}  // namespace mainstay::lvs
