// When an answer of a source of real servers (a file, DNS) counts. Pure: answers and the time in, the servers in force
// out.
//
// The servers in force change only by an answer that keeps the rules, after the debounce; the first answer of a process
// counts at once. An answer that removes too many servers, has too few or none is held, and the servers before it stay.
// It counts when it has been the source's answer for as long as the rules say, without an error in between. What the
// rules compare with are the servers in force: those of an earlier process too, after recall(). With none in force
// there is nothing to lose, and only an empty answer is held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mainstay/base/time.hpp"
#include "mainstay/config/server_file.hpp"
#include "mainstay/config/validate/resolved.hpp"

namespace mainstay::lvs {

using KnownServer = config::DiscoveredServer;
using KnownServers = config::DiscoveredServers;

enum class HoldReason : std::uint8_t { None, Empty, TooFew, TooManyRemoved };

class DiscoveredSet {
public:
    explicit DiscoveredSet(const config::DiscoveryRules& rules) : rules_{rules} {}

    // The servers in force in an earlier process, before the first answer; ignored after it.
    void recall(KnownServers servers, std::optional<WallTime> last_good);
    // A whole answer. `wall`: the same time, for last_good().
    void answer(KnownServers servers, Instant now, WallTime wall);
    void fail() { failing_ = true; }  // the source has no answer now
    // Other rules: an answer that waits or is held is judged again.
    void set_rules(const config::DiscoveryRules& rules, Instant now);
    // Lets what is due count. True: servers() has changed.
    [[nodiscard]] bool step(Instant now);
    // When step() is next due; an earlier call changes nothing.
    [[nodiscard]] std::optional<Instant> deadline() const;

    [[nodiscard]] const KnownServers& servers() const { return servers_; }  // in force; sorted
    [[nodiscard]] const config::DiscoveryRules& rules() const { return rules_; }
    [[nodiscard]] HoldReason hold() const { return held_ ? held_->reason : HoldReason::None; }
    [[nodiscard]] const KnownServers* held() const { return held_ ? &held_->servers : nullptr; }
    [[nodiscard]] std::optional<WallTime> held_since() const;
    [[nodiscard]] std::uint64_t holds() const { return holds_; }  // different answers that were held
    // When an answer last was good: the servers in force, or those that follow after the debounce.
    [[nodiscard]] std::optional<WallTime> last_good() const { return last_good_; }
    [[nodiscard]] bool has_answer() const { return has_answer_; }  // that counted, in this process

private:
    struct Waiting {
        KnownServers servers;
        Instant due;
        WallTime wall;  // of the last answer
    };
    struct Held {
        KnownServers servers;
        HoldReason reason = HoldReason::None;
        Instant since;
        WallTime since_wall;
    };
    [[nodiscard]] HoldReason judge(const KnownServers& servers) const;
    [[nodiscard]] std::optional<Instant> held_until() const;
    void take(KnownServers servers, Instant now, WallTime wall);
    void put_in_force(KnownServers servers);

    config::DiscoveryRules rules_;
    KnownServers servers_;
    std::optional<Waiting> waiting_;
    std::optional<Held> held_;
    std::optional<WallTime> last_good_;
    std::uint64_t holds_ = 0;
    bool in_force_ = false;  // servers_ is an answer or was recalled, even if it is empty
    bool has_answer_ = false, failing_ = false;
};

// How many servers of `before` are not in `after`, by address and port. Both are sorted.
[[nodiscard]] std::size_t removed_servers(const KnownServers& before, const KnownServers& after);

}  // namespace mainstay::lvs
