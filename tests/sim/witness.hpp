// The witness of one director: what RFC 3768/9568 and keepalived's documented departures owe, step by step.
//
// A second, much smaller account of the protocol than vrrp's: no packets, no addresses, no reasons, only state, next
// deadline, effective priority and how many adverts a step may send. It is given the same
// facts as the router, in the same order, and compares after every step. It never looks into the router: whatever
// snapshot(), deadline() and the intents say is all it knows. In the lettering of the invariants this is (h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/vrrp/facts.hpp"
#include "mainstay/wire/vrrp.hpp"
#include "plan.hpp"

namespace mainstay::sim {

// A packet on the simulated wire, decoded once for everybody who wants to know what is in it.
struct Packet {
    IpAddress source, destination;
    std::uint8_t ttl = 255;
    bool forged = false;  // no router of this LAN sent it, and none may believe it
    std::vector<std::byte> payload;
    wire::VrrpPacket advert;
};

class Witness {
public:
    struct Expect {
        vrrp::State state = vrrp::State::Init;
        Instant due{};      // Backup: when it must take over; Master: its next advert; else the epoch
        bool ripe = false;  // member of a sync group whose time has come: waits for the others
        std::uint8_t priority = 0;
        Micros learned{0};          // the master's interval
        bool knows_master = false;  // has heard a master, or was one
        std::optional<Instant> preempt_from;
        IpAddress preempting;  // whose lower adverts are let go by
        std::optional<Instant> preempted_until;
        bool reduced = false;      // an owner that gave way to another one
        bool failed_over = false;  // by an operator: respects every master
        bool handed = false;       // and nobody has taken over yet
        std::optional<Instant> other_owner_since;
        Instant other_owner_last{};
        std::vector<Instant> provocations;  // rivals and resignations heard as master, within the last interval
        // Of the present step alone:
        unsigned adverts_least = 0, adverts_most = 0, resignations_least = 0;
        bool may_give_up = false;   // its addresses are being taken away
        bool resets_timer = false;  // an advert sent now starts the interval anew
    };

    void configure(const config::Config& config);
    // Before start() with a block that no incarnation of this simulation has left: what it says.
    void remember(const vrrp::RouterSnapshot& block);

    // What the router is told, just before it is: one call for every fact.
    void start(Instant now, bool with_block);
    void observe(const vrrp::InterfaceFact& fact);  // before start(), and as part of link()
    void link(Instant now, const vrrp::InterfaceFact& fact);
    void hear(Instant now, const Packet& packet);
    void deadline(Instant now);
    void script(Instant now, bool good);
    void reload(Instant now, const config::Config& config);
    void lost(bool restorable);  // AddressLost and RestoreFailed: the master may give up
    void shutdown();
    void fail_over(Instant now, std::size_t n);
    void fail_back(std::size_t n);
    void maintain(Instant now, bool on);  // before start(): tell_maintenance()
    void send_maintenance(bool on) { maintenance_ = on; }

    // What differs between what was owed and what came, in words; nothing when all is as it must be.
    [[nodiscard]] std::optional<std::string> compare(Instant now, const vrrp::RouterSnapshot& got,
                                                     const vrrp::Intents& intents);

    [[nodiscard]] const std::vector<Expect>& expects() const { return expects_; }
    [[nodiscard]] bool fit(std::size_t n) const;
    // The virtual router that a packet speaks of, when this director may act on it.
    [[nodiscard]] std::optional<std::size_t> concerns(const Packet& packet) const;
    [[nodiscard]] bool delayed(Instant now) const { return startup_until_ && now < *startup_until_; }

private:
    struct Script {
        bool known = false, up = false, awaited = false;
        std::uint32_t streak = 0;
    };

    [[nodiscard]] const config::Instance& own(std::size_t n) const { return config_.instances[n]; }
    [[nodiscard]] bool grouped(std::size_t n) const { return !own(n).sync_group.empty(); }
    [[nodiscard]] bool owner(std::size_t n) const;
    [[nodiscard]] bool link_up(const std::string& name) const;
    [[nodiscard]] bool fit_alone(std::size_t n) const;
    [[nodiscard]] std::uint8_t priority(std::size_t n) const;
    [[nodiscard]] Nanos skew(std::size_t n, int priority, Micros interval) const;
    [[nodiscard]] Nanos down(std::size_t n) const;
    [[nodiscard]] std::vector<std::size_t> together(std::size_t n) const;  // its group, or itself alone

    void judge(Instant now);
    void hand_over(Instant now, std::size_t n);
    void end_hand_overs();
    void wait(std::size_t n, Instant due);
    void fall(std::size_t n);
    void rule(Instant now, std::size_t n);
    void adopt(Instant now, std::size_t n, const Expect& before);
    void hear_as_backup(Instant now, std::size_t n, const Packet& packet);
    void other_owner(Instant now, std::size_t n);
    void hear_as_master(Instant now, std::size_t n, const Packet& packet);
    void provoked(Instant now, std::size_t n, bool resigned);
    [[nodiscard]] std::optional<std::string> compare_adverts(std::size_t n, const vrrp::Intents& intents) const;

    config::Config config_;
    bool maintenance_ = false;
    std::map<std::string, vrrp::InterfaceFact, std::less<>> links_;
    Script script_;
    std::vector<Expect> expects_;
    std::optional<Instant> startup_until_;
    Instant earliest_{};
};

}  // namespace mainstay::sim
