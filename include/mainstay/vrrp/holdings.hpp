// What a director holds by its configuration, as the kernel tells one entry from another: whether a reload has to touch
// an address is asked here, and also whether another instance has it afterwards.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/facts.hpp"
#include "mainstay/vrrp/routing.hpp"

namespace mainstay::vrrp {

// All that is set with an address; `no_track` and the like concern mainstay alone.
struct AddressIdentity {
    std::string interface;
    Prefix prefix;
    std::uint8_t scope = 0;
    std::string label;
    std::optional<IpAddress> broadcast, peer;
    bool broadcast_all_ones = false, broadcast_all_zeros = false, noprefixroute = false;
    bool home = false, detects_duplicates = false, manages_temporary = false, joins_group = false;
    bool lifetime_given = false;  // without a number: for ever
    std::optional<Micros> preferred_lifetime;
    auto operator<=>(const AddressIdentity&) const = default;
};

[[nodiscard]] AddressIdentity identity_of(const std::string& interface, const config::VirtualAddress& address);

struct Holdings {
    std::set<AddressIdentity> addresses;
    std::vector<RoutingEntry> routing;

    void add(const config::Instance& instance);
    void add_static(const config::Config& config);
};

// Takes out of the intents from `first` on the removals of what is held before and after alike: it goes from one holder
// to another, and setting it again does nothing.
void keep_what_stays(Intents& intents, std::size_t first, const Holdings& before, const Holdings& after);

}  // namespace mainstay::vrrp
