// The state of each configured service, its servers and their checkers, as status shows it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "checker_index.hpp"
#include "mainstay/base/compact.hpp"
#include "mainstay/base/interned_string.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "overrides.hpp"

namespace mainstay::lvs {

// There are tens of thousands of servers and checkers: members are ordered so that there is no padding.
using ShortTime = std::chrono::duration<std::uint32_t, std::micro>;  // up to 71 minutes
[[nodiscard]] constexpr ShortTime short_time(Micros time) {
    return ShortTime{static_cast<std::uint32_t>(std::clamp<Micros::rep>(time.count(), 0, ShortTime::max().count()))};
}

// What a passed check asks for. An agent's percentage stays one: a reload may change what it is a part of.
struct AskedWeight {
    std::int64_t value = 0;
    bool percent = false;
    AskedWeight() = default;
    AskedWeight(std::int64_t weight) : value{weight} {}  // NOLINT(google-explicit-constructor): most are weights
    [[nodiscard]] static AskedWeight part(std::uint32_t percent) {
        AskedWeight asked{percent};
        asked.percent = true;
        return asked;
    }
    [[nodiscard]] std::int64_t of(std::int64_t configured) const;
    bool operator==(const AskedWeight&) const = default;
};

struct CheckerState {
    CheckerId id = 0;  // 0: none yet
    Instant due;       // of the next run, or of the running one
    WallTime last_run;
    InternedString last_result;
    CompactOptional<std::optional<AskedWeight>> dynamic_weight;  // requested by its last success
    ShortTime last_duration{0};
    std::uint32_t retries_used = 0;
    std::uint32_t failures_in_row = 0;
    std::uint32_t rises = 0, falls = 0;  // successes while down, failed rounds while up, in a row
    std::uint32_t url = 0;               // HTTP_GET: index of the URL to test next
    bool up = true;
    bool has_run = false;
    bool running = false;
    bool waits = false;              // is queued for its next run
    bool first_run_retries = false;  // added by a reload: even its first run tolerates failures
    bool pass_broken = false;        // HTTP_GET: the URL failed after its retries; the next pass starts after it
    bool first_pass = true;          // HTTP_GET: not all URLs have been tested since the start
    bool operator==(const CheckerState&) const = default;
};
// A draining server: weight 0 until its connections have ended or the timeout expires.
struct DrainState {
    Instant until;
    WallTime until_wall;
    std::optional<std::uint64_t> connections;  // as counted last
    bool over = false;
    bool operator==(const DrainState&) const = default;
};
// The state of a server that is in the table without its full weight.
struct Between {
    std::int64_t held_weight = 0;                // of Hold::Weight
    std::optional<DrainState> leave;             // drained or disabled, with a drain_timeout
    std::optional<Instant> grows_since;          // slow_start: the start of the growth
    std::optional<std::int64_t> growing_weight;  // slow_start: the current weight
    bool operator==(const Between&) const = default;
};
inline void grow_no_more(Between& between) { between.grows_since.reset(), between.growing_weight.reset(); }
struct ServerState {
    std::int64_t weight = 1;  // effective
    WallTime since;           // of the last change of `alive`
    CompactOptional<Between> between;
    CompactVector<CheckerState> checkers;
    bool alive = true;
    bool kept = false;       // its checks fail, and min_alive keeps it alive
    Hold hold = Hold::None;  // of its Override
    bool operator==(const ServerState&) const = default;
};
struct LeavingServer {  // no longer configured
    config::RealServer server;
    DrainState leave;
    bool operator==(const LeavingServer&) const = default;
};
struct ServiceState {
    bool quorum_up = false;
    bool sorry_in_use = false;
    std::vector<ServerState> servers;
    std::vector<LeavingServer> leaving;
    bool suspended = false;  // ha_suspend: none of its addresses is on this host, so no check runs
    bool operator==(const ServiceState&) const = default;
};

}  // namespace mainstay::lvs
