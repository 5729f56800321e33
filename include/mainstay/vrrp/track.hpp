// What instances are tracked by: links and vrrp_scripts; and what that means for one instance: fit or not, and with
// which priority.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "facts.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::vrrp {

// The interfaces as last told. One that was never told does not exist.
class Links {
public:
    void tell(const InterfaceFact& fact) { by_name_.insert_or_assign(fact.name, fact); }
    [[nodiscard]] const InterfaceFact* find(std::string_view name) const;
    [[nodiscard]] bool up(std::string_view name) const;

private:
    std::map<std::string, InterfaceFact, std::less<>> by_name_;
};

// The schedule and the standing of every vrrp_script that somebody tracks.
class ScriptBoard {
public:
    enum class Standing : std::uint8_t {
        Awaited,  // no result yet, and instances wait for the first one
        Unknown,  // no result yet since a reload: it counts for nothing and holds nobody back
        Up,
        Down,
    };

    // Takes over the configured scripts. Those with the same name, command and user keep their result and schedule;
    // the others run at `now`. `at_start` makes instances wait for them.
    void configure(const config::Config& config, Instant now, bool at_start);
    // Results of a crashed incarnation.
    void adopt(const std::vector<ScriptSnapshot>& previous);

    [[nodiscard]] Standing standing(std::string_view name) const;  // Unknown for a name that is not known
    [[nodiscard]] std::optional<Instant> deadline() const;
    void run_due(Instant now, Intents& out);
    // True when the standing changed. Results of unknown scripts and of runs that nobody asked for are ignored.
    [[nodiscard]] bool done(const ScriptDone& result, Intents& out);
    [[nodiscard]] std::vector<ScriptSnapshot> snapshot() const;

private:
    struct Script {
        config::TrackScript config;
        ScriptSnapshot result;
        bool awaited = false;
        bool running = false;
        Instant due{};
    };
    [[nodiscard]] Script* find(std::string_view name);
    std::vector<Script> scripts_;
};

// What tracking makes of an instance.
struct Health {
    std::vector<std::string> faults;  // why it must be in FAULT, for the log; empty: it may run
    bool only_waiting = false;        // the faults are nothing but first script results that are awaited
    int priority = 0;                 // base and contributions, not clamped
    std::optional<IpAddress> source;  // of our adverts
    bool awaits_source = false;       // there is none, as the link is or was down, which does not matter
    bool link_up = false;             // a packet sent now has a chance
    std::uint32_t mtu = 1500;
    bool operator==(const Health&) const = default;
};

// keepalived: a positive weight counts while up, a negative one while down; `reverse` only turns the sign (2.4.3).
[[nodiscard]] int contribution(int weight, bool reverse, bool up);

[[nodiscard]] std::uint8_t effective_priority(std::uint8_t base, int total);

// Addresses that are VIPs of some instance of `config` that does not own them: never a source of adverts.
[[nodiscard]] std::set<IpAddress> virtual_addresses(const config::Config& config);

// With dont_track_primary, the lack of a source counts for nothing while the link is down, nor after that until there
// is one again (`awaited`).
[[nodiscard]] bool may_await_source(const config::Instance& instance, const Links& links, bool awaited);

// `group` is the sync group of the instance or null; its trackers count for every member. `awaits_source`: the instance
// been waiting for a source.
[[nodiscard]] Health judge(const config::Instance& instance, const config::SyncGroup* group, const Links& links,
                           const ScriptBoard& scripts, const std::set<IpAddress>& virtuals, bool awaits_source = false);

}  // namespace mainstay::vrrp
