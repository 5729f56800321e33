// mainstay-discover: follows a registry of services, and keeps a file of real servers (config/server_file.hpp) equal to
// it. While the registry does not answer, or answers nonsense, the file stays.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "discover_http.hpp"
#include "mainstay/config/registry.hpp"

namespace mainstay::cli {

struct DiscoverOptions {
    std::string file;               // of the servers
    std::vector<std::string> urls;  // tried in turn; each as "http://127.0.0.1:8500"
    std::string secret_file;        // Consul's token, or etcd's NAME:PASSWORD; empty: none
    RegistryTls tls;
    std::uint16_t port = 0;         // of all servers; 0: each one's own
    std::chrono::seconds wait{60};  // the longest time without an answer from a registry in which nothing changes
    bool once = false;              // one answer, then the end
};
struct ConsulOptions {
    std::string service;
    std::vector<std::string> tags;  // those that an instance must have
    std::string datacenter;         // empty: the agent's
    config::ConsulSelection selection;
    std::chrono::milliseconds max_stale{10'000};  // an older answer, of a server without a leader, is none
};
struct EtcdOptions {
    std::string prefix;
};

// Returns the servers each time that the registry answers: at once the first time, then after a change or the wait.
class RegistrySource {
public:
    RegistrySource() = default;
    RegistrySource(const RegistrySource&) = delete;
    RegistrySource& operator=(const RegistrySource&) = delete;
    virtual ~RegistrySource() = default;
    [[nodiscard]] virtual Result<config::DiscoveredServers> next() = 0;
};
[[nodiscard]] std::unique_ptr<RegistrySource> consul_source(const DiscoverOptions& options, ConsulOptions consul);
[[nodiscard]] std::unique_ptr<RegistrySource> etcd_source(const DiscoverOptions& options, EtcdOptions etcd);

// Until it is asked to stop; exit 0, with `once` 1 when there was no answer.
[[nodiscard]] int follow_registry(RegistrySource& source, const DiscoverOptions& options);

// Why these options cannot be used; empty: they can.
[[nodiscard]] std::string problem_of(const DiscoverOptions& options);

}  // namespace mainstay::cli
