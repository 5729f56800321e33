// Services whose real servers a source lists, a DNS name or a file: makes the configuration with these servers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "discovery.hpp"
#include "judge.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

// real_server_dns or real_server_file. In the configuration model it is a real server without an address, from which
// this is read.
struct NamedServers {
    std::string name;  // empty: of a file
    enum class Type : std::uint8_t { A, Aaaa, Srv } type = Type::A;
    std::vector<Endpoint> resolvers;                                  // asked in this order; at least one
    Micros interval = config::keyword::dns_interval.otherwise;        // between the end of one lookup and the next
    Micros timeout = config::keyword::dns_timeout.otherwise;          // of each query
    std::uint32_t most = config::keyword::dns_servers_max.otherwise;  // at most this many servers of one answer
    config::RealServer like;  // the template; its port, and its checkers', is 0 if the answer (SRV) has it
    std::optional<config::ServerFileSource> file = {};  // none: of DNS
    config::DiscoveryRules rules = {};
    bool operator==(const NamedServers&) const = default;
};
[[nodiscard]] std::vector<NamedServers> named_servers(const config::VirtualServer& service);

// The known servers of one source of one service; the pointer is valid until the next call. Null: none known.
using KnownOf = std::function<const KnownServers*(const config::VirtualServer& service, const NamedServers& named)>;

// Replaces every source by its servers, after those with an address; duplicate endpoints are left out.
[[nodiscard]] config::VirtualServer with_known(config::VirtualServer service, const KnownOf& known);
[[nodiscard]] config::Config with_known(config::Config config, const KnownOf& known);

// The servers of this name in an earlier incarnation: those that are not configured with an address and whose port
// matches. Of several names of one service, the first with a matching port gets them until its first answer.
[[nodiscard]] KnownServers remembered(const ServiceMemory& memory, const config::VirtualServer& service,
                                      const NamedServers& named);

}  // namespace mainstay::lvs
