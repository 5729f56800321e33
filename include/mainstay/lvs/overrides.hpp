// Operators' overrides of single servers. They last until they are reset or their time is over, across checks, reloads
// and restarts.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

enum class Hold : std::uint8_t {
    None,
    Weight,    // this weight instead of the one from configuration and checks
    Drained,   // weight 0: existing connections continue, no new ones; it is checked and counts as 0 for the quorum
    Disabled,  // not in the table and not checked
};
struct Override {
    Hold hold = Hold::None;
    std::int64_t weight = 0;  // of Hold::Weight
    WallTime since;
    std::string by;                    // the account that set it
    bool expires_persistence = false;  // of Hold::Drained: persistence to this server ends
    std::optional<WallTime> until;     // when it ends by itself
    std::string reason;                // the operator's, for people; may be empty
    bool operator==(const Override&) const = default;
};
struct OverrideKey {
    std::string service;  // config::service_name
    Endpoint server;
    auto operator<=>(const OverrideKey&) const = default;
};
// Also contains overrides of servers that are not configured at the moment: they apply again when the server returns.
using Overrides = std::map<OverrideKey, Override>;
inline constexpr std::size_t kOverridesMax = 65'536;
inline constexpr Seconds kOverrideTimeMax{366 * 86'400};
inline constexpr std::size_t kOverrideReasonBytesMax = 200;

[[nodiscard]] std::string text_of(const Override& override);  // "drained", "disabled", "weight 5"

struct ServerCommand {
    enum class Verb : std::uint8_t { Show, Drain, Disable, Enable, Weight } verb = Verb::Show;
    std::string which;        // see ServerPattern
    std::int64_t weight = 0;  // of Verb::Weight: 0..2147483647
    bool dry_run = false;
    std::string by;
    bool expire_persistence = false;  // with Verb::Drain
    Seconds time{0};                  // until the override ends by itself; 0: it does not
    std::string reason;               // with Drain, Disable and Weight: one line
};
[[nodiscard]] std::string_view word_of(ServerCommand::Verb verb);  // "drain"

// Begins the lines of a dry run about services whose quorum the command would take.
inline constexpr std::string_view kWouldLoseQuorum = "would lose its quorum: ";

struct ServerAnswer {
    std::string problem;  // not empty: why nothing was done
    std::size_t matched = 0, changed = 0;
    std::vector<std::string> lines;  // for people
    // The servers that matched and are configured, as indices into services() and real_servers; the first lines are
    // about them, in this order.
    std::vector<std::pair<std::size_t, std::size_t>> servers;
};

// "SERVERS" or "SERVICES/SERVERS". Each is a name with * for any characters and ? for one. The name of a server is its
// address, with or without port ("10.0.0.11", "10.0.0.11:80", "[2001:db8::1]:80"), or its name in the log
// ("[10.0.0.11]:tcp:80"); the name of a service likewise, or its mark ("FWM 5", "fwmark 5") or its group's name.
struct ServerPattern {
    std::string services = "*", servers;
};
[[nodiscard]] ServerPattern pattern_of(std::string_view text);
// "10.0.0.1", "[2001:db8::1]:80": an address in any spelling, or with * for any characters; with or without its port.
[[nodiscard]] bool is_endpoint(const Endpoint& endpoint, std::string_view pattern);
[[nodiscard]] bool matches(const ServerPattern& pattern, const config::VirtualServer& service);
// Matches a configured server of `service`.
[[nodiscard]] bool matches(const ServerPattern& pattern, const config::VirtualServer& service,
                           const config::RealServer& server);
// Matches an override of a server that is not configured.
[[nodiscard]] bool matches(const ServerPattern& pattern, const OverrideKey& key);

}  // namespace mainstay::lvs
