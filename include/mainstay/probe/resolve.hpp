// Resolves a DNS name: asks the given name servers in order over UDP, and over TCP if the answer is truncated. The
// host's resolver is not used, because it blocks.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attempt.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::probe {

// How many targets of SRV records are resolved, one after the other.
inline constexpr std::size_t kSrvTargetsMax = 64;

struct NameQuestion {
    std::string name;
    bool srv = false;
    Family family = Family::V4;  // of the addresses
    std::vector<Endpoint> resolvers;
    Micros timeout{2'000'000};  // for each query to each resolver; over TCP for the whole exchange
    std::size_t most = 64;      // at most this many servers
    auto operator<=>(const NameQuestion&) const = default;
};

struct NamedEndpoint {
    IpAddress address;
    std::uint16_t port = 0;               // of SRV; else 0
    std::optional<std::uint32_t> weight;  // of SRV, unless it is 0
    auto operator<=>(const NamedEndpoint&) const = default;
};

struct NameAnswer {
    std::string refused;                 // the failure: "timed out after 2 s", "NXDOMAIN"; empty: success
    std::vector<NamedEndpoint> servers;  // sorted, without duplicates; not empty after success
    std::size_t left_out = 0;            // number of servers beyond `most`
};

// Only SRV records with the lowest priority number are used. A name without an address is a failure.
[[nodiscard]] boost::asio::awaitable<NameAnswer> resolve(NameQuestion question, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
