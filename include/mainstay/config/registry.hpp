// Answers of registries of services, Consul and etcd, as lists of servers. Nothing in them is trusted: one wrong entry
// refuses the whole answer. mainstay-discover writes them into files of real servers (server_file.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/config/server_file.hpp"

namespace mainstay::config {

inline constexpr std::size_t kRegistryBytesMax = 64U << 20U;  // of one answer: Consul repeats a node for each service

// Which instances of a service are meant.
struct ConsulSelection {
    std::vector<std::string> without_tags;  // leave out those that have one of these
    bool any_health = false;                // also those of which a check is critical; otherwise these are left out
    std::uint16_t port = 0;                 // of all servers; 0: each one's own
};
// The body of GET /v1/health/service/NAME. The weight is the one that Consul has for the instance's health. Sorted,
// each server once: of several instances at one address and port the largest weight counts.
[[nodiscard]] Result<DiscoveredServers> read_consul_health(std::string_view text, const ConsulSelection& selection);

struct EtcdServers {
    std::int64_t revision = 0;  // of the whole store; a watch begins after it
    DiscoveredServers servers;
};
// The body of POST /v3/kv/range. A value is "192.0.2.1:80", or an object with "address" or "Addr" (as etcd's own naming
// writes it) and, if it has one, "weight". `port`: as above.
[[nodiscard]] Result<EtcdServers> read_etcd_range(std::string_view text, std::uint16_t port);

// One line of the answer to POST /v3/watch. Errors say what the store refuses.
enum class EtcdNote : std::uint8_t {
    Nothing,    // the watch was made, or goes on
    Changed,    // something below the prefix has changed
    Compacted,  // its history is gone: read everything again
};
[[nodiscard]] Result<EtcdNote> read_etcd_watch(std::string_view line);
// The token in the body of POST /v3/auth/authenticate.
[[nodiscard]] Result<std::string> read_etcd_token(std::string_view text);

// Request bodies of etcd, whose keys and values are in base64.
[[nodiscard]] std::string etcd_range_request(std::string_view prefix);
[[nodiscard]] std::string etcd_watch_request(std::string_view prefix, std::int64_t from);
[[nodiscard]] std::string etcd_token_request(std::string_view name, std::string_view password);

// The file that holds these servers.
[[nodiscard]] std::string server_file_of(const DiscoveredServers& servers);

}  // namespace mainstay::config
