// Servers that sources list, between processes and in the state directory.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/framed_archive.hpp"
#include "mainstay/config/server_file.hpp"

namespace mainstay::ipc {

// A server takes at most 40 bytes.
inline constexpr std::size_t kServerListBytesMax = 1U << 20U;
inline constexpr std::size_t kDiscoveredBytesMax = 16U << 20U;

struct ServerList {
    config::DiscoveredServers servers;
};

// The servers in force of one source, so that a restart begins with them.
struct DiscoveredSource {
    std::string source;  // as the lvs role names it
    config::DiscoveredServers servers;
    std::optional<WallTime> last_good;
};
struct DiscoveredSources {
    std::vector<DiscoveredSource> list;
};

template <class A>
void fields(A& a, ServerList& l) {
    a(l.servers);
}
template <class A>
void fields(A& a, DiscoveredSource& s) {
    a(s.source, s.servers, s.last_good);
}
template <class A>
void fields(A& a, DiscoveredSources& s) {
    a(s.list);
}

}  // namespace mainstay::ipc

namespace mainstay::config {

template <class A>
void fields(A& a, DiscoveredServer& s) {
    a(s.address, s.port, s.weight);
}

}  // namespace mainstay::config
