// Decides whether a packet is a valid advert for an instance. The checks and their order are keepalived's (2.4.3),
// because a pair is migrated one host at a time and both must treat a packet alike.
#pragma once

#include <fmt/format.h>

#include <bitset>
#include <optional>
#include <span>
#include <string_view>

#include "authentication.hpp"
#include "facts.hpp"
#include "mainstay/config/model.hpp"
#include "settings.hpp"

namespace mainstay::vrrp {

// The kinds of problems that are logged once until the state changes.
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
    RivalMaster,
    OtherVrid,
    PeerTtl,
    Count_,  // how many there are
};

class OnceLog {
public:
    // True the first time since clear().
    [[nodiscard]] bool first(Problem problem);
    void clear() { logged_.reset(); }

private:
    template <class A>
    friend void fields(A& archive, OnceLog& once);  // router_state.cpp
    std::bitset<static_cast<std::size_t>(Problem::Count_)> logged_;
};

// The last occurrence of each kind of problem, kept over changes of state; its age shows whether it persists.
class PeerProblems {
public:
    // `text` replaces the earlier text unless it is empty.
    void note(Problem problem, const IpAddress& peer, Instant now, std::string text);
    [[nodiscard]] const std::vector<PeerProblem>& seen() const { return seen_; }
    [[nodiscard]] bool is_of(Problem problem, const IpAddress& peer) const;  // the last one was its
    [[nodiscard]] bool noted_since(Problem problem, Instant begin) const;
    // Why the last advert of those that were dropped since then was: its text; empty: none was. `version`: of VRRP; in
    // 3 another interval is a problem, but used.
    [[nodiscard]] std::string refused_since(Instant begin, std::uint8_t version) const;
    void adopt(const std::vector<PeerProblem>& before) { seen_ = before; }

private:
    template <class A>
    friend void fields(A& archive, PeerProblems& problems);  // router_state.cpp
    std::vector<PeerProblem> seen_;                          // at most one of each kind
};

struct Advert {
    IpAddress source;
    std::uint8_t priority = 0;
    Micros interval{0};
    bool operator==(const Advert&) const = default;
};

// What the checks need from the instance, and where they put counts and log lines.
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
    InstanceId instance = 0;

    void log(std::string_view text) const {
        out.push_back(WriteLog{{LogLevel::Info, fmt::format("({}) {}", config.name, text)}, instance});
    }
};

// The advert; none if the packet must be dropped. An advert with a wrong address list is logged and counted, but used.
[[nodiscard]] std::optional<Advert> check_advert(const ReceiveContext& context, const PacketHeard& packet);

// The eight bytes of auth_pass, zero padded: the key of AH.
[[nodiscard]] std::array<std::byte, 8> auth_key(const config::Instance& config);
// The authentication field of the packet: the password, or zeros.
[[nodiscard]] std::array<std::byte, 8> auth_bytes(const config::Instance& config);

}  // namespace mainstay::vrrp
