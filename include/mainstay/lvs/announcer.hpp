// Which addresses this director announces, as a comparison of what is wanted with what was done: readiness of services
// and time in, operations and log lines out. No I/O, no clock.
//
// An announced address is on the interface that the routing daemon watches, and renewed each second: without mainstay
// the kernel removes it. Packets are taken by a route of its own, which stays for the drain time after the address was
// withdrawn, so that flows in flight still find this host. Withdrawing comes before, announcing after a change of the
// IPVS table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "facts.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/netlink/announce.hpp"
#include "service_state.hpp"

namespace mainstay::lvs {

struct AnnouncedAddress {
    IpAddress address;
    config::AnnounceSettings settings;  // of the first service that announces it
    // Indices into the virtual servers, ascending; not empty while it is configured.
    std::vector<std::size_t> services;
    bool operator==(const AnnouncedAddress&) const = default;
};
struct AnnouncedAddresses {
    std::vector<AnnouncedAddress> list;  // sorted by address
    std::size_t left_out = 0;            // beyond kAnnouncedAddressesMax
};
// Each is renewed every second.
inline constexpr std::size_t kAnnouncedAddressesMax = 1000;
[[nodiscard]] AnnouncedAddresses announced_addresses(const std::vector<config::VirtualServer>& services);

// Whether a service can take traffic, or why not: from best to worst.
enum class Readiness : std::uint8_t {
    Ready,
    NotChecked,     // too few of its servers have passed a check yet
    NotProgrammed,  // IPVS does not have its table
    QuorumLost,
};
[[nodiscard]] std::string_view text_of(Readiness readiness);  // "its quorum is lost"

// The part of readiness that the judge knows. A server counts when all its checks have run, and those that were due
// before `fresh_after` have ended since: what was known before a long pause counts no more.
[[nodiscard]] Readiness readiness_of(const config::VirtualServer& service, const ServiceState& state,
                                     std::optional<Instant> fresh_after);

class Announcer {
public:
    using ReadinessOf = std::function<Readiness(std::size_t service, std::optional<Instant> fresh_after)>;
    struct Outcome {
        netlink::AnnounceOperations operations;  // to be carried out in order
        std::vector<LogLine> lines;
    };
    enum class State : std::uint8_t {
        Withdrawn,
        Announced,
        Draining,  // on the drain interface
    };
    struct Address {
        AnnouncedAddress configured;
        bool is_configured = true;  // no longer: its route only waits for the end of the drain time
        std::string interface;      // it was set on; empty: withdrawn
        bool has_route = false;
        std::optional<Instant> route_until;   // of one that is withdrawn
        std::optional<Instant> drains_since;  // of one on its drain interface, or drained
        std::optional<Instant> fresh_after;   // see readiness_of()
        bool is_known = false;                // nothing of it can be left on its interfaces but on `interface`
        WallTime since;                       // of its last change
        std::string reason;                   // why it was withdrawn last; empty while it is not
        std::string problem;                  // why the kernel refused it; empty: it did not
        [[nodiscard]] State state() const;
        // It is withdrawn, as somebody wants it: because of the configuration, or of maintenance.
        [[nodiscard]] bool is_withdrawn_on_purpose() const;
    };

    // Addresses that are no longer configured are withdrawn by the next call of withdraw() or renew().
    void configure(std::vector<AnnouncedAddress> list);
    // After a crash: this address is still in `state`, as it was since then; a drain goes on with the rest of its time.
    // The interfaces are those of the configuration, which may be replaced afterwards.
    void resume(const IpAddress& address, State state, WallTime since, Moment at);
    // After a crash: what was known of these addresses is too old, they need new checks.
    void distrust(const std::set<IpAddress>& addresses, Instant now);
    // Announces everything on the drain interfaces instead, and after the drain time nothing; or as usual again.
    // What is withdrawn meanwhile is not announced.
    void drain(bool on) { drains_ = on; }
    // Before the IPVS table changes: what is not ready any more. NotChecked keeps what is announced, in all three.
    [[nodiscard]] Outcome withdraw(const ReadinessOf& readiness, Moment at);
    // Afterwards: also what is ready now.
    [[nodiscard]] Outcome settle(const ReadinessOf& readiness, Moment at);
    // Each second: the same, and everything that is announced is renewed.
    [[nodiscard]] Outcome renew(const ReadinessOf& readiness, Moment at);
    // The end: addresses go, at first; routes with stop_routes().
    [[nodiscard]] Outcome stop(Moment at);
    [[nodiscard]] netlink::AnnounceOperations stop_routes();
    // What became of the operations of an outcome; `refused` in ascending order. A refused one is tried again by the
    // next renew(), and logged once.
    [[nodiscard]] std::vector<LogLine> carried_out(const netlink::AnnounceOperations& operations,
                                                   const std::vector<netlink::RefusedAnnounce>& refused, Moment at);

    [[nodiscard]] bool is_empty() const { return addresses_.empty(); }
    [[nodiscard]] const std::vector<Address>& addresses() const { return addresses_; }  // sorted

private:
    [[nodiscard]] static Readiness judge(const Address& address, const ReadinessOf& readiness);
    enum class Pass : std::uint8_t { Withdraw, Settle, Renew };
    void notice_pause(Instant now);
    void follow(Address& address, const ReadinessOf& readiness, Moment at, Pass pass, Outcome& out) const;
    [[nodiscard]] Outcome follow_all(const ReadinessOf& readiness, Moment at, Pass pass);
    void take_off(Address& address, std::string_view why, Moment at, Outcome& out) const;
    [[nodiscard]] Address* find(const IpAddress& address);

    std::vector<Address> addresses_;
    bool drains_ = false;
    std::optional<Instant> renewed_;  // the last time
};

}  // namespace mainstay::lvs
