// real_server_file, and what real_server_file and real_server_dns share: when an answer of a source counts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/config/server_file.hpp"

namespace mainstay::config {

// An answer that breaks a rule is held: the servers before it stay.
struct DiscoveryRules {
    // Percent of the known servers that one answer may remove; one server may go in any case, unless it is 0.
    std::uint32_t max_removal = 50;
    std::uint32_t min_servers = 0;  // an answer with fewer is held; 0: any number but none
    // How long the same answer is held before it counts; 0: for ever.
    Micros hold_time{600'000'000};  // if it removes too many
    Micros hold_empty{0};           // if it is empty, or has fewer than min_servers
    Micros debounce{2'000'000};     // from the first change until it counts
    auto operator<=>(const DiscoveryRules&) const = default;
};
[[nodiscard]] DiscoveryRules discovery_rules(const RealServer& server);
// Of a source that several services have: each rule as strict as the stricter of both, the debounce the shorter one.
[[nodiscard]] DiscoveryRules strictest(const DiscoveryRules& a, const DiscoveryRules& b);

// None: the server is not a real_server_file.
[[nodiscard]] std::optional<ServerFileSource> server_file_source(const VirtualServer& service,
                                                                 const RealServer& server);
// Of all virtual servers, each once.
[[nodiscard]] std::vector<ServerFileSource> server_file_sources(const Config& config);

}  // namespace mainstay::config
