// Tracking of links and vrrp_scripts, and its result for an instance: whether it may run, and with which priority.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "facts.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::vrrp {

// Whether a unicast peer is beyond the link, where no link-local address can send to.
[[nodiscard]] bool has_peer_beyond_link(const config::Instance& instance);

// The last InterfaceFact of each interface. An interface without a fact does not exist.
class Links {
public:
    void update(const InterfaceFact& fact) { by_name_.insert_or_assign(fact.name, fact); }
    [[nodiscard]] const InterfaceFact* find(std::string_view name) const;
    [[nodiscard]] bool up(std::string_view name) const;
    [[nodiscard]] const char* why_not_up(std::string_view name) const;  // "down", "does not exist"; of one that is not

private:
    template <class A>
    friend void fields(A& archive, Links& links);  // router_state.cpp
    std::map<std::string, InterfaceFact, std::less<>> by_name_;
};

// The schedule and the state of every tracked vrrp_script.
class ScriptStates {
public:
    enum class Standing : std::uint8_t {
        Awaited,  // no result yet, and instances wait for the first one
        Unknown,  // no result yet since a reload: it has no effect and delays no instance
        Up,
        Down,
    };

    // Takes over the configured scripts. Those with the same name, command and user keep their result and schedule;
    // the others run at `now`, whatever a run of the former command says later. `at_start` makes instances wait for
    // them.
    void configure(const config::Config& config, Instant now, bool at_start);
    // Takes over the results of a crashed incarnation.
    void adopt(const std::vector<ScriptSnapshot>& previous);

    [[nodiscard]] Standing standing(std::string_view name) const;  // Unknown for a name that is not known
    [[nodiscard]] std::optional<Instant> deadline() const;
    void run_due(Instant now, Intents& out);
    // True when the state changed. Results of unknown scripts and of runs that were not requested are ignored.
    [[nodiscard]] bool done(const ScriptDone& result, Intents& out);
    [[nodiscard]] std::vector<ScriptSnapshot> snapshot() const;

private:
    template <class A>
    friend void fields(A& archive, ScriptStates& board);  // router_state.cpp
    struct Script {
        config::TrackScript config;
        ScriptSnapshot result;
        bool awaited = false;
        std::uint32_t run = 0;  // the number of the run that is under way; 0: none
        Instant due{};
    };
    [[nodiscard]] Script* find(std::string_view name);
    std::vector<Script> scripts_;
    std::uint32_t last_run_ = 0;
};

// The result of tracking for an instance.
struct Health {
    std::vector<Fault> faults;        // why it must be in FAULT; empty: it may run
    bool only_waiting = false;        // the only faults are what is awaited: first results, a source
    bool awaits_scripts = false;      // first results of scripts are among that
    int priority = 0;                 // base and contributions, not clamped
    bool keeps_priority = false;      // a file demands FAULT, and adds what it added before
    std::vector<PriorityPart> parts;  // those contributions that are not 0
    std::optional<IpAddress> source;  // of our adverts
    bool awaits_source = false;       // no source because the link is or was down, which is ignored
    bool link_up = false;             // packets can be sent
    std::uint32_t mtu = 1500;
    bool operator==(const Health&) const = default;

    void fault(Fault::What what, std::string name, std::string value, Cause cause = Cause::Track) {
        faults.push_back({what, std::move(name), std::move(value), cause});
    }
    void fault(Cause cause, std::string sentence) { fault(Fault::What::Other, {}, std::move(sentence), cause); }
    // There is a better reason than results that are awaited.
    void wait_no_more() {
        if (only_waiting) faults.clear();
        only_waiting = false;
    }
    // Results that are awaited, of trackers.
    void wait_for(const std::vector<std::string>& awaited);
    // `kind` and `name` are those of the tracker: "track_script", "chk_http".
    void contribute(std::string_view kind, std::string_view name, bool up, int weight);
};

// keepalived: a positive weight counts while up, a negative one while down; `reverse` only inverts the sign (2.4.3).
[[nodiscard]] int contribution(int weight, bool reverse, bool up);

[[nodiscard]] std::uint8_t effective_priority(std::uint8_t base, int total);

// Addresses that are VIPs of some instance that does not own them: never a source of adverts. With its interface if it
// is a link-local one, which another interface may have as its own; else with none.
using VirtualAddresses = std::vector<std::pair<IpAddress, std::string>>;  // sorted
[[nodiscard]] VirtualAddresses virtual_addresses(const config::Config& config);

// The address that an instance sends from: the one that is configured, or the first usable one of its interface. None:
// there is none.
[[nodiscard]] std::optional<IpAddress> choose_source(const config::Instance& instance, const Links& links,
                                                     const VirtualAddresses& virtuals);

// With dont_track_primary, a missing source is ignored while the link is down, and afterwards until there is one again
// (`awaited`).
[[nodiscard]] bool may_await_source(const config::Instance& instance, const Links& links, bool awaited);

// `group` is the sync group of the instance or null; its trackers count for every member. `awaits_source`: the instance
// has been waiting for a source.
[[nodiscard]] Health judge(const config::Instance& instance, const config::SyncGroup* group, const Links& links,
                           const ScriptStates& scripts, const VirtualAddresses& virtuals, bool awaits_source = false);

// What an instance tracks, itself and through its sync group, and what that does to it: for status and the page.
struct TrackedObject {
    enum class Kind : std::uint8_t { Interface = 0, Script = 1, File = 2, Process = 3, Bfd = 4 } kind = Kind::Interface;
    std::string name;
    bool known = false;  // a first result has come; an interface and a BFD session are always known
    bool up = false;     // of a file: it does not ask for FAULT
    int weight = 0;      // 0: FAULT instead of another priority
    bool reverse = false;
    int adds = 0;         // to the priority at the moment
    bool faults = false;  // it holds the instance in FAULT at the moment
    bool operator==(const TrackedObject&) const = default;
};

}  // namespace mainstay::vrrp
