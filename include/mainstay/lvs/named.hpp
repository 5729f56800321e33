// Services whose real servers are given by a DNS name: makes the configuration with the resolved servers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "judge.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

// real_server_dns. In the configuration model it is a real server without an address, from which this is read.
struct NamedServers {
    std::string name;
    enum class Type : std::uint8_t { A, Aaaa, Srv } type = Type::A;
    std::vector<Endpoint> resolvers;  // asked in this order; at least one
    Micros interval{30'000'000};      // between the end of one lookup and the next
    Micros timeout{2'000'000};        // of each query
    std::uint32_t most = 64;          // at most this many servers of one answer
    config::RealServer like;          // the template; its port, and its checkers', is 0 if the answer (SRV) has it
    bool operator==(const NamedServers&) const = default;
};
[[nodiscard]] std::vector<NamedServers> named_servers(const config::VirtualServer& service);

struct KnownServer {
    IpAddress address;
    std::uint16_t port = 0;               // 0: as configured
    std::optional<std::uint32_t> weight;  // none: as configured
    bool operator==(const KnownServer&) const = default;
};
using KnownServers = std::vector<KnownServer>;

// The known servers of one name of one service; the pointer is valid until the next call. Null: none known.
using KnownOf = std::function<const KnownServers*(const config::VirtualServer& service, const NamedServers& named)>;

// Replaces every name by its servers, after those with an address; duplicate endpoints are left out.
[[nodiscard]] config::Config with_known(config::Config config, const KnownOf& known);

// The servers of this name in an earlier incarnation: those that are not configured with an address and whose port
// matches. Of several names of one service, the first with a matching port gets them until its first answer.
[[nodiscard]] KnownServers remembered(const ServiceMemory& memory, const config::VirtualServer& service,
                                      const NamedServers& named);

}  // namespace mainstay::lvs
