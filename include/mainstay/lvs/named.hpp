// Services whose real servers a DNS name stands for: the configuration that results once the names are known.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "judge.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

// real_server_dns, read from the real server without an address that it is in the configuration.
struct NamedServers {
    std::string name;
    enum class Type : std::uint8_t { A, Aaaa, Srv } type = Type::A;
    std::vector<Endpoint> resolvers;  // asked in this order; at least one
    Micros interval{30'000'000};      // between the end of one lookup and the next
    Micros timeout{2'000'000};        // of each try
    std::uint32_t most = 64;          // servers of one answer
    config::RealServer like;          // its port, and a checker's that follows it, is 0 where the answer says it
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

// What is known of one name of one service; the pointer is valid until the next call. Null: nothing.
using KnownOf = std::function<const KnownServers*(const config::VirtualServer& service, const NamedServers& named)>;

// Every name replaced by its servers, behind those with an address; an endpoint that is there already is left out.
[[nodiscard]] config::Config with_known(config::Config config, const KnownOf& known);

// The servers that an earlier incarnation had of this name: those that are no configured one's, and whose port fits.
// Several names of one service share them: the first whose port fits has them until it is answered.
[[nodiscard]] KnownServers remembered(const ServiceMemory& memory, const config::VirtualServer& service,
                                      const NamedServers& named);

}  // namespace mainstay::lvs
