// A flight record as the beginning of a simulated history: the recorded director, its configuration and the state that
// the record ends with, and around it the routers that it heard.
//
// The first director goes on as an incarnation does that follows a crash: from the state block (vrrp::RouterSnapshot)
// of that very moment. What a block does not hold (a preempt_delay that runs, an answer that is owed) begins anew.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/record/reader.hpp"
#include "mainstay/vrrp/facts.hpp"
#include "plan.hpp"

namespace mainstay::sim {

inline constexpr const char* kRecordVersion = "simulated";  // of records that the simulator makes

struct Beginning {
    Plan plan;  // configs[0] is the recorded director; drifts_ppm is empty
    // Of each director; times are those of the recorded director's clock. Empty: it begins without a state.
    std::vector<vrrp::RouterSnapshot> states;
    Instant now{};                             // when the record ends, by that clock
    WallTime at;                               // and by the calendar
    std::array<bool, 2> links_up{true, true};  // of the recorded director
    bool script_good = true, maintenance = false;
    std::vector<std::string> left_out;  // lines: what of the record the LAN has not, or has otherwise
};

// Errors: damaged bytes, a record of another version or without a VRRP part, one that this program decides otherwise
// than the recorded process, and one of whose instances none can be simulated.
[[nodiscard]] Result<Beginning> beginning_of(std::span<const std::byte> file);

// ---- parts of it ---------------------------------------------------------------------------------------------------

// A configuration as a director of the simulated LAN can have it: one interface for everything, at most one script,
// one tracked interface. A line of `left_out` for whatever is not as it was.
[[nodiscard]] config::Config represented(const config::Config& config, std::vector<std::string>& left_out);

struct HeardRouter {
    std::uint8_t priority = 0;  // of its last advert but resignations
    Micros interval{0};
    Instant last{};
    std::string interface;  // the socket's
};
// By VRID, family and source.
using HeardRouters = std::map<std::tuple<std::uint8_t, Family, IpAddress>, HeardRouter>;

// What the plan of a LAN is made of.
struct Recorded {
    config::Config config;          // represented()
    vrrp::RouterSnapshot snapshot;  // of its instances; empty: the router does not run
    HeardRouters heard;
    std::vector<std::array<IpAddress, 2>> own;  // the sources of each instance's adverts; empty: unknown
    std::vector<std::string> interfaces;        // that each instance was on
    Instant now{};
};
// Adds the addresses, the peers with their configurations, and every director's state.
void add_directors(const Recorded& recorded, Beginning& beginning);

}  // namespace mainstay::sim
