// Overrides of servers (mainstayctl server). They are kept until they are reset, even for servers that are not
// configured at the moment.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "mainstay/lvs/overrides.hpp"
#include "services.hpp"

namespace mainstay::lvs {

class OperatorOverrides {
public:
    OperatorOverrides() = default;
    explicit OperatorOverrides(Overrides known) : known_{std::move(known)} {}

    [[nodiscard]] const Overrides& all() const { return known_; }
    // Applies the overrides to the fresh state of a service.
    void apply(const config::VirtualServer& config, ServiceState& state) const;
    [[nodiscard]] std::optional<Override> of(const Services& services, const ServerRef& ref) const;
    // The overrides of servers that are not configured; enabling such a server deletes its override.
    [[nodiscard]] std::vector<OverrideKey> strangers(const Services& services, const ServerPattern& pattern) const;
    // Whether any server of a service with persistence is drained with --expire-persistence.
    [[nodiscard]] bool expires_persistence(const Services& services) const;

    [[nodiscard]] bool has_room_for(const OverrideKey& key) const;
    void set(const OverrideKey& key, Override override) { known_[key] = std::move(override); }
    void reset(const OverrideKey& key) { known_.erase(key); }

private:
    Overrides known_;
};

}  // namespace mainstay::lvs
