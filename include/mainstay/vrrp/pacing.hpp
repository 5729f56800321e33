// Delays between gratuitous ARPs and neighbour advertisements: vrrp_garp_interval and vrrp_gna_interval per interface,
// or those of a garp_group for all its interfaces together.
//
// Pure: requests and the time in, frames to send now out. An item that is requested again while it is queued is not
// queued twice, only its count rises (2.4.3), so the queue is never longer than the number of addresses.
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

    // Takes the delays of this configuration; they apply to queued items as well.
    void configure(const config::Config& config);

    // The delay between frames on this interface; zero: send at once instead of calling ask(). `network` is the
    // interface from which the frames are sent: for a VMAC its parent.
    [[nodiscard]] Micros distance(const std::string& network, Family family) const;
    // Queues the item to be sent `rounds` times, each round over all queued items.
    void ask(const std::string& network, Item item, std::uint32_t rounds, Instant now);
    // Its address was removed: whoever announced it now would draw the traffic of the next master.
    void forget(const Item& item);
    [[nodiscard]] std::vector<Item> take_due(Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;
    void clear() { lanes_.clear(); }

private:
    using Key = std::pair<std::string, Family>;  // the interface, or the group's number; ARP or NA
    struct Waiting {
        Item item;
        std::string network;
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
