// One VRRP instance: RFC 3768 6.4 and RFC 9568 6.4 with keepalived's documented departures.
//
//            start                  deadline or group              higher advert
//   INIT ------------> BACKUP ------------------------> MASTER ---------------------> BACKUP
//      \                  ^ \                              |
//       \ not fit         |  \ not fit                     | not fit: priority 0
//        '--------------> FAULT <--------------------------'
//
// An instance never changes another one. A member of a sync group does not take over by itself: it reports that it is
// ready to (wants_master()) and the router decides for the group. Every member function that can cause intents takes a
// Step: the time and the list of intents.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "authentication.hpp"
#include "duplicates.hpp"
#include "facts.hpp"
#include "mainstay/config/model.hpp"
#include "reasons.hpp"
#include "receive.hpp"
#include "restore.hpp"
#include "routing_set.hpp"
#include "track.hpp"

namespace mainstay::vrrp {

// The changes that a reload makes to the addresses, routes and rules of an instance.
struct AddressChange {
    std::vector<std::size_t> added;  // positions in all_addresses(): new, or other than before
    RoutingSet::Change routing;
    bool announce = false;  // send gratuitous ARP, because the addresses have moved to another interface
};

[[nodiscard]] HeldAddress held_address(const config::Instance& config, const config::VirtualAddress& address);
[[nodiscard]] HeldAddress held_address(const config::Instance& config, std::size_t position);  // in all_addresses()
[[nodiscard]] std::vector<HeldAddress> held_addresses(const config::Instance& config);

class Instance {
public:
    struct InstanceContext {
        bool no_email_faults = false;
        bool owner_group = true;       // not grouped, or every member of its group is an address owner
        bool maintenance = false;      // priority 1, whatever is configured and tracked
        bool notify_priority = false;  // notify_priority_changes of the instance, its group or global_defs
        Settings settings{};
    };

    Instance(InstanceId id, std::shared_ptr<const config::Instance> config, InstanceContext context);

    // Leaves INIT. `begin` is when timers start: now, or the end of vrrp_startup_delay.
    void start(Step step, const Health& health, Instant begin);
    // Resumes the state of a crashed incarnation.
    void adopt(Step step, const Health& health, const InstanceSnapshot& previous);

    void hear(Step step, const PacketHeard& packet);
    // An advert of a virtual router that is not configured here, for one of this instance's addresses.
    void hear_other_vrid(Step step, const IpAddress& source, std::uint8_t vrid, const IpAddress& address);
    void tick(Step step);  // handles every deadline that has been reached
    // When a master sends its next advert, or a backup takes over.
    [[nodiscard]] std::optional<Instant> turn() const { return timer_; }
    // Moves a master's next advert forward, so that adverts of many instances are spread over time (AdvertSpread).
    void advertise_earlier(Nanos earlier) {
        if (timer_) *timer_ -= earlier;
    }
    // May enter or leave FAULT, or change only the priority or the source.
    void set_health(Step step, const Health& health);
    void address_lost(Step step, const std::string& interface, const Prefix& prefix);
    void restore_failed(Step step, const std::string& interface, const Prefix& prefix);
    void duplicate_found(Step step, const std::string& interface, const Prefix& prefix);
    void routing_lost(Step step, const netlink::Routing& reported);
    void routing_outcome(Step step, const RoutingOutcome& outcome);
    void look_again(Instant now) {  // a reload: pending restores are done at once
        restores_.hasten(now);
        routing_.look_again(now);
    }
    void check_routing(Instant now) { routing_.nudge(now); }  // soon, because interfaces have changed
    void add_routing(Step step, const std::vector<std::size_t>& positions) { routing_.set(step, positions); }
    [[nodiscard]] const RoutingSet& routing() const { return routing_; }
    void reassert(Step step);  // the kernel may have lost a master's addresses: set them all again
    void stop(Step step);      // resign for good

    // Called by the router for the members of a sync group together; see FailOver, FailBack and Maintenance.
    void hand_over(Step step, Cause why);
    void fail_back(Step step);
    void set_maintenance(bool on) { around_.maintenance = on; }  // takes effect with the next set_health()
    // How long it then waits for another router.
    [[nodiscard]] Nanos hand_over_wait() const;
    // Whether it still waits.
    [[nodiscard]] bool hands_over() const { return handed_over_at_.has_value(); }
    // The hand-over of its group is over, but nobody has taken over all members.
    void hand_over_incomplete(Step step);

    // Called by the router for the sync group.
    void become_master(Step step);
    void yield(Step step,
               bool resign);  // withdraws wants_master(); a master becomes backup, with priority 0 if `resign`
    void reassert_mastership(Step step);  // advert and gratuitous ARPs, as after an advert of another master
    [[nodiscard]] bool wants_master() const { return wants_master_; }
    [[nodiscard]] bool follows_master() const { return follows_master_; }  // accepted an advert as backup
    [[nodiscard]] bool answered_rival() const { return answered_rival_; }
    [[nodiscard]] bool resigned() const { return resigned_; }  // its addresses could not be kept
    void clear_marks() { follows_master_ = answered_rival_ = resigned_ = false; }

    // A reload. The router carries out the returned change if the instance is a master.
    [[nodiscard]] AddressChange reconfigure(Step step, InstanceId id, std::shared_ptr<const config::Instance> config,
                                            InstanceContext around);
    // A reload removed it: resigns, with intents that need no lookup.
    void remove(Step step);
    void announce_addresses(Step step) { send_arps(step, config_->garp_master_repeat); }  // after they changed

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] Cause cause() const { return reasons_.cause(); }  // of having come to it
    [[nodiscard]] bool only_waits() const { return waits_ != Waits::No; }
    [[nodiscard]] bool awaits_source() const { return awaits_source_; }
    [[nodiscard]] const std::optional<IpAddress>& source() const { return source_; }  // of our adverts; none: not known
    [[nodiscard]] const config::Instance& config() const { return *config_; }
    [[nodiscard]] const Settings& settings() const { return around_.settings; }
    [[nodiscard]] std::optional<Instant> deadline() const;
    [[nodiscard]] InstanceSnapshot snapshot() const;

private:
    template <class A>
    friend void fields(A& archive, Instance& instance);  // router_state.cpp
    [[nodiscard]] bool grouped() const { return !config_->sync_group.empty(); }
    [[nodiscard]] bool owner() const { return config_->priority == 255 && around_.owner_group && !around_.maintenance; }
    [[nodiscard]] std::uint8_t priority_of(int total) const;
    void end_hand_over(Step step, HandOverEnded::How how, const IpAddress& master = {});
    [[nodiscard]] Nanos down_time() const;
    [[nodiscard]] Instant first_election(Instant begin) const;
    void hear_as_backup(Step step, const Advert& advert);
    void hear_as_master(Step step, const Advert& advert);
    [[nodiscard]] bool accepts(Step step, const Advert& advert);
    void follow(Step step, const Advert& advert);
    void advert_due(Step step);
    void enter_backup(Step step, Instant deadline, const char* suffix = "");
    void begin_as_backup(Step step, Instant begin);
    void enter_fault(Step step, const Health& health, const char* suffix = "");
    void log_fault(Step step, const Health& health, const char* suffix);
    void adopt_state(Step step, const InstanceSnapshot& previous);
    void leave_master(Step step, unsigned resignations);
    // From MASTER to BACKUP, for this reason, without having heard of another master.
    void step_back(Step step, Cause cause, std::string reason, unsigned resignations, Nanos wait);
    void resign_for_lost(Step step, const char* what, const std::string& why);
    void restore(Step step, std::size_t position);
    void set_priority(Step step, int total);
    void apply_settings();
    void heard_refused(Step step, const PacketHeard& packet);
    void heard_rival(Step step, const Advert& advert);
    void heard_other_owner(Step step, const Advert& advert);
    [[nodiscard]] bool stalled_too_long(Step step);
    [[nodiscard]] bool just_preempted(Step step, const Advert& advert);
    void clear_timers();
    [[nodiscard]] bool may_answer(Instant now);
    void reannounce_addresses(Step step);
    [[nodiscard]] std::optional<std::size_t> position_of(const std::string& interface, const Prefix& prefix) const;

    // instance_output.cpp
    void send_advert(Step step);
    void send_resignation(Step step);
    [[nodiscard]] SendAdvert advert_of(std::uint8_t priority) const;  // our source is known
    void seal(Step step, SendAdvert& advert);                         // adds authentication
    void refresh_advertised();
    // A reload: `news` if a master's adverts say something else now.
    void adjust_timers(Step step, const config::Instance& old, bool news);
    void add_addresses(Step step, std::uint32_t rounds);
    void send_arps(Step step, std::uint32_t rounds, bool begun = false);
    void arm_extra_arps(Instant now);
    void send_extra_arps(Step step);
    // `notify`: run scripts and send mails, not only note it.
    void announce(Step step, Transition transition, std::string detail = {}, bool notify = true);
    void log(Step step, LogLevel level, const std::string& text) const;

    InstanceId id_;
    std::shared_ptr<const config::Instance> config_;  // of a configuration that all instances share
    InstanceContext around_;
    State state_ = State::Init;
    std::uint8_t effective_ = 0;
    bool owns_addresses_ = false;
    // In FAULT since the start, only until what is awaited has come: for scripts, as keepalived does in FAULT, or for
    // nothing that keepalived waits for.
    enum class Waits : std::uint8_t { No, ForScripts, ToStart };
    Waits waits_ = Waits::No;
    bool hint_ = false;  // `state MASTER`: the first election is short
    bool wants_master_ = false, follows_master_ = false, answered_rival_ = false, resigned_ = false;
    bool owes_arps_ = false;  // another master was heard when this interval's limit of answers had been reached
    std::optional<IpAddress> source_;
    bool awaits_source_ = false;  // the source address was lost when the link went down
    std::uint32_t mtu_ = 1500;
    std::vector<Fault> faults_;
    TransitionReasons reasons_;
    std::vector<PriorityPart> priority_parts_;
    std::string last_mailed_;

    IpAddress master_;
    std::uint8_t master_priority_ = 0;
    Micros master_interval_;

    Instant earliest_{};                               // end of vrrp_startup_delay
    std::optional<Instant> timer_;                     // next advert, or master down
    std::optional<Instant> second_garp_at_, refresh_;  // gratuitous ARPs: after taking over, and the periodic refresh
    std::optional<Instant> extra_;                     // on interfaces without adverts (garp_extra_if)
    std::optional<Instant> rival_burst_;               // after an advert of another master
    std::optional<Instant> preempt_from_;              // preempt_delay runs until then
    Instant answers_since_{};                          // the window of answers to rivals
    unsigned answers_ = 0;
    RestoreBudget restores_;
    bool reduced_ = false;  // an address owner that yielded to another owner
    bool failed_over_ = false;
    std::optional<Instant> handed_over_at_;  // while nobody has taken over
    std::optional<Instant> other_owner_since_, other_owner_last_;
    std::optional<Instant> refused_at_;       // as MASTER: the last advert that was refused
    IpAddress preempting_;                    // the master whose lower-priority adverts are ignored
    std::optional<Instant> preempted_until_;  // until then its adverts do not count as those of another master
    Authentication auth_;
    bool old_checksum_ = false;  // unicast version 3: checksums as in keepalived before 1.3.6
    std::uint16_t ip_id_ = 0;    // of the last packet with an authentication header
    RoutingSet routing_;
    DuplicateAddresses duplicates_;
    OnceLog once_;
    PeerProblems problems_;
    Counters counters_;

    std::vector<IpAddress> advertised_;
};

}  // namespace mainstay::vrrp
