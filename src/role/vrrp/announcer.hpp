// Sends gratuitous ARP and unsolicited neighbour advertisements: at once, or with the delays between packets that
// vrrp_garp_interval, vrrp_gna_interval and garp_group configure (vrrp/pacing.hpp).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "links.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/pacing.hpp"
#include "mainstay/vrrp/router.hpp"
#include "transport.hpp"

namespace mainstay::role {

class Announcer {
public:
    Announcer(boost::asio::io_context& loop, VrrpTransport& transport, const Links& links, Log& log,
              std::function<Instant()> now)
        : transport_{transport}, links_{links}, log_{log}, now_{std::move(now)}, timer_{loop} {}

    void follow(const config::Config& config) { pacer_.configure(config); }

    // Announces all addresses round by round, so that every address is announced once before any is announced twice.
    // Addresses on links without ARP or with another kind of hardware address are skipped. With `begun` the first round
    // was sent by begin().
    void announce(std::span<const kernel::Address> addresses, std::uint32_t rounds, bool begun = false);
    // The frames of the first round for these addresses, ready to send. Addresses with a configured delay are not
    // included; announce() queues them.
    using Frames = std::vector<std::vector<std::byte>>;
    using Round = std::vector<std::pair<std::uint32_t, Frames>>;  // by interface, those of IPv4 before those of IPv6
    [[nodiscard]] Round first_round(std::span<const kernel::Address> addresses) const;
    void send(const Round& round, std::uint32_t rounds);
    // Announces what masters hold on these interfaces, which have other MAC addresses now.
    void announce_on(const std::set<std::string>& interfaces, const vrrp::Router& router);
    // Announces one of the host's own addresses.
    void announce(const vrrp::AnnounceAddress& own);
    // Of addresses that were removed no announcement follows.
    void forget(const std::vector<vrrp::HeldAddress>& removed) {
        for (const auto& address : removed) pacer_.forget({address.interface, address.prefix.address});
    }
    void close();

private:
    struct Place {
        const kernel::Link* link = nullptr;
        IpAddress address;
    };
    void announce_once(std::vector<Place> places);
    void log_sent(const std::vector<Place>& places) const;
    // Removes the entries of `places` whose addresses cannot be announced.
    [[nodiscard]] Round round_of(std::vector<Place>& places) const;
    [[nodiscard]] std::vector<Place> places_of(std::span<const kernel::Address> addresses) const;
    // keepalived: VMACs and ipvlans share the pacing of their parent interface.
    [[nodiscard]] const std::string& network_of(const Place& place) const;
    [[nodiscard]] bool paced(const Place& place) const;
    void next();

    VrrpTransport& transport_;
    const Links& links_;
    Log& log_;
    std::function<Instant()> now_;
    vrrp::Pacer pacer_;
    boost::asio::steady_timer timer_;
};

}  // namespace mainstay::role
