// Files of real servers, in the form of Prometheus' file_sd:
//     [{"targets": ["192.0.2.1:80", "[2001:db8::1]:80"], "labels": {"weight": "3", "zone": "a"}}]
// Others write them, so nothing in them is trusted: one wrong entry refuses the whole file, and the last good servers
// stay. Targets are addresses. Labels select entries, and `weight` (0 to 65535) is the weight of an entry's servers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"

namespace mainstay::config {

inline constexpr std::size_t kServerFileBytesMax = 8U << 20U;
inline constexpr std::size_t kServersPerFileMax = 10'000;  // that the labels select
inline constexpr std::int64_t kLabelWeightMax = 65'535;

// One server of a source's answer.
struct DiscoveredServer {
    IpAddress address;
    std::uint16_t port = 0;               // 0: as configured
    std::optional<std::uint32_t> weight;  // none: as configured
    bool operator==(const DiscoveredServer&) const = default;
};
using DiscoveredServers = std::vector<DiscoveredServer>;

// Whether an entry has this label with one of these values.
struct LabelRule {
    std::string name;
    std::vector<std::string> values;
    bool operator==(const LabelRule&) const = default;
};

// Which servers of a file are meant.
struct ServerFileSource {
    std::string path;              // absolute
    std::uint16_t port = 0;        // of all servers; 0: each target's own
    std::optional<Family> family;  // of all servers; none: either
    std::vector<LabelRule> keep;   // an entry has to match all of these
    std::vector<LabelRule> drop;   // and none of these
    bool operator==(const ServerFileSource&) const = default;
};
// Differs for sources that differ; names the source in messages between processes and in the state directory.
[[nodiscard]] std::string key_of(const ServerFileSource& source);
// For people, and one of its own for each source: the path, the port, IPv6 and the labels.
[[nodiscard]] std::string name_of(const ServerFileSource& source);

// The servers of the whole file `text`, sorted by address and port. An error says which entry is wrong (counted from
// 1), and how to fix it; what it quotes of the file has no control characters and no markup.
[[nodiscard]] Result<DiscoveredServers> read_server_file(std::string_view text, const ServerFileSource& source);

}  // namespace mainstay::config
