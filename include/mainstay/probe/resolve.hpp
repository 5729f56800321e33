// What a DNS name stands for: asked over UDP, and over TCP where the answer does not fit, of the given name servers in
// their order. Never by the host's resolver, which blocks.
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

// Targets of SRV records whose addresses are asked for, one after the other.
inline constexpr std::size_t kSrvTargetsMax = 64;

struct NameQuestion {
    std::string name;
    bool srv = false;
    Family family = Family::V4;  // of the addresses wanted
    std::vector<Endpoint> resolvers;
    Micros timeout{2'000'000};  // of each question to each of them; over TCP of the whole exchange
    std::size_t most = 64;      // servers
    auto operator<=>(const NameQuestion&) const = default;
};

struct NamedEndpoint {
    IpAddress address;
    std::uint16_t port = 0;               // of SRV; else 0
    std::optional<std::uint32_t> weight;  // of SRV, unless it is 0
    auto operator<=>(const NamedEndpoint&) const = default;
};

struct NameAnswer {
    std::string refused;                 // why there is none: "timed out after 2 s", "NXDOMAIN"; empty: there is one
    std::vector<NamedEndpoint> servers;  // sorted, each once; never empty with an answer
    std::size_t left_out = 0;            // of them beyond `most`
};

// Of SRV records those of the lowest priority number count. A name without an address is no answer.
[[nodiscard]] boost::asio::awaitable<NameAnswer> resolve(NameQuestion question, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
