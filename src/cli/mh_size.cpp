#include "mh_size.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string>

#include "mainstay/config/model.hpp"

namespace mainstay::cli {
namespace {

constexpr std::size_t kConnectionsMax = 2000;  // looked at

bool is_of(const netlink::IpvsConnection& one, const netlink::IpvsServiceKey& key) {
    return one.protocol == key.protocol && one.service == Endpoint{key.address, key.port};
}

}  // namespace

std::uint32_t usual_weight(const IpvsTableEntry& entry) {
    std::map<std::int32_t, std::size_t> counts;
    for (const auto& server : entry.destinations)
        if (server.destination.weight > 0) ++counts[server.destination.weight];
    const auto most = std::ranges::max_element(counts, {}, [](const auto& count) { return count.second; });
    return most == counts.end() ? 1U : static_cast<std::uint32_t>(most->first);
}

std::vector<lvs::MhDestination> mh_destinations(const IpvsTableEntry& entry) {
    const auto usual = usual_weight(entry);
    std::vector<lvs::MhDestination> all;
    for (const auto& one : entry.destinations) {
        const auto weight = one.destination.weight;
        all.push_back({one.destination.endpoint, weight > 0 ? static_cast<std::uint32_t>(weight) : usual});
    }
    return all;
}

std::optional<InferredSize> infer_mh_size(const IpvsTableEntry& entry,
                                          const std::vector<netlink::IpvsConnection>& connections) {
    std::vector<const netlink::IpvsConnection*> own;
    for (const auto& one : connections)
        if (is_of(one, entry.service.service.key) && own.size() < kConnectionsMax) own.push_back(&one);
    if (own.size() < kConnectionsForSize) return std::nullopt;
    const auto flags = entry.service.service.flags;
    const lvs::MhFlags how{.fallback = (flags & config::kHashFallback) != 0, .port = (flags & config::kHashPort) != 0};
    const auto destinations = mh_destinations(entry);
    const auto available = [&](std::size_t n) { return entry.destinations[n].destination.weight > 0; };
    InferredSize best{.of = own.size()};
    std::size_t second = 0;
    for (const auto slots : lvs::kMhTableSizes) {
        const lvs::MhTable table{destinations, slots};
        const auto explained =
            static_cast<std::size_t>(std::ranges::count_if(own, [&](const netlink::IpvsConnection* one) {
                const auto chosen = table.choose(one->client, how, available);
                return chosen && destinations[*chosen].endpoint == one->server;
            }));
        second = std::max(second, std::min(explained, best.explained));
        if (explained > best.explained) best.slots = slots, best.explained = explained;
    }
    if (best.explained * 10 < best.of * 9 || second * 2 > best.explained) return std::nullopt;
    return best;
}

}  // namespace mainstay::cli
