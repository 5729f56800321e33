// Gratuitous ARPs and neighbour advertisements that must keep a distance from each other: vrrp_garp_interval and
// vrrp_gna_interval per interface, or those of a garp_group for all its interfaces together.
//
// Pure: asks and the time in, what is to be sent now out. What is asked for again before it went out is not queued a
// second time, only its count rises (2.4.3), so the queue is never longer than the addresses are many.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::vrrp {

class Pacer {
public:
    struct Item {
        std::string interface;
        IpAddress address;
        bool operator==(const Item&) const = default;
    };

    // The distances that this configuration wants. What waits goes on with them.
    void configure(const config::Config& config);

    // The distance on this interface; zero: there is none to keep, and the item need not come here. `network` is the
    // interface that the frames leave by: of a VMAC its parent.
    [[nodiscard]] Micros distance(const std::string& network, Family family) const;
    // Send it `rounds` times, one round after the other over all that is asked for.
    void ask(const std::string& network, Item item, std::uint32_t rounds, Instant now);
    [[nodiscard]] std::vector<Item> take_due(Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;
    void clear() { lanes_.clear(); }

private:
    using Key = std::pair<std::string, Family>;  // the interface, or the group's number; ARP or NA
    struct Waiting {
        Item item;
        std::uint32_t rounds = 0;
    };
    struct Lane {
        std::vector<Waiting> waiting;
        std::size_t next = 0;  // position in `waiting`
        Instant due{};
    };
    struct Group {
        std::vector<std::string> interfaces;
        std::optional<Micros> garp, gna;
    };
    [[nodiscard]] Key key_of(const std::string& network, Family family) const;
    [[nodiscard]] Micros distance_of(const Key& key) const;
    [[nodiscard]] const Group* group_of(const std::string& network) const;

    Micros garp_{0}, gna_{0};
    std::vector<Group> groups_;
    std::map<Key, Lane> lanes_;
};

}  // namespace mainstay::vrrp
