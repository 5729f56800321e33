// Whether a packet counts as an advert for an instance. The checks and their order are keepalived's (2.4.3), since a
// pair is migrated one host at a time and both must judge a packet alike.
#pragma once

#include <bitset>
#include <optional>
#include <span>

#include "authentication.hpp"
#include "facts.hpp"
#include "mainstay/config/model.hpp"
#include "settings.hpp"

namespace mainstay::vrrp {

// The kinds of trouble that are logged once until the state changes.
enum class Problem : std::uint8_t {
    Length,
    Ttl,
    Version,
    AuthType,
    AuthMismatch,
    Password,
    Interval,
    Type,
    Checksum,
    Cast,
    AddressCount,
    MissingAddress,
    Peer,
    LowerPriority,
    OwnAddress,
    TrailerMissing,
    TrailerMalformed,
    KeyUnknown,
    HmacWrong,
    Stale,
    Replay,
    NoHash,
    RivalMaster,
    Count_,  // how many there are
};

class OnceLog {
public:
    // True the first time since clear().
    [[nodiscard]] bool first(Problem problem);
    void clear() { logged_.reset(); }

private:
    std::bitset<static_cast<std::size_t>(Problem::Count_)> logged_;
};

// Each kind of trouble as it was seen last, kept over changes of state: whether it still goes on is asked for later.
class PeerProblems {
public:
    // `text` replaces what was said before unless it is empty.
    void note(Problem problem, const IpAddress& peer, Instant now, std::string text);
    [[nodiscard]] const std::vector<PeerProblem>& seen() const { return seen_; }
    void adopt(const std::vector<PeerProblem>& before) { seen_ = before; }

private:
    std::vector<PeerProblem> seen_;  // at most one of each kind
};

struct Advert {
    IpAddress source;
    std::uint8_t priority = 0;
    Micros interval{0};
    bool operator==(const Advert&) const = default;
};

// What the checks need to know of the instance, and where they count and speak.
struct ReceiveContext {
    const config::Instance& config;
    std::span<const IpAddress> advertised;  // the addresses our own adverts carry, in order
    const IpAddress& master;                // last master heard; empty: none
    const Settings& settings;
    std::int64_t unix_us;  // the calendar clock
    Authentication& auth;
    bool& old_checksum;  // unicast version 3: peers compute their checksums as keepalived did before 1.3.6
    Counters& counters;
    OnceLog& once;
    PeerProblems& problems;
    Instant now;
    Intents& out;
};

// The advert, or nothing when the packet must be dropped. A wrong address list is logged and counted, but used.
[[nodiscard]] std::optional<Advert> check_advert(const ReceiveContext& context, const PacketHeard& packet);

// The eight bytes of auth_pass, zero padded: the key of AH.
[[nodiscard]] std::array<std::byte, 8> auth_key(const config::Instance& config);
// What stands in the packet: the password, or zeros.
[[nodiscard]] std::array<std::byte, 8> auth_bytes(const config::Instance& config);

}  // namespace mainstay::vrrp
