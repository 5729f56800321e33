#include "mh_size.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string>

namespace mainstay::cli {
namespace {

constexpr std::size_t kConnectionsMax = 2000;  // looked at

std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const auto word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    return word;
}

std::optional<std::uint32_t> hexadecimal(std::string_view word) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, 16);
    if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return number;
}

// "0A090101 D431" or "fd00:0009:...:0001 D431"
std::optional<Endpoint> take_endpoint(std::string_view& line) {
    const auto address = take_word(line);
    const auto port = hexadecimal(take_word(line));
    if (!port) return std::nullopt;
    const auto number = static_cast<std::uint16_t>(*port);
    if (address.find(':') == std::string_view::npos) {
        const auto v4 = hexadecimal(address);
        return v4 ? std::optional{Endpoint{IpAddress::v4(*v4), number}} : std::nullopt;
    }
    const auto v6 = IpAddress::parse(address);
    return v6 ? std::optional{Endpoint{*v6, number}} : std::nullopt;
}

// Behind the endpoints: the state, and the seconds that are left of its time, which each packet begins anew.
bool is_waiting(std::string_view rest) {
    constexpr int kSynReceivedSeconds = 60, kAtLeast = 2;  // ip_vs_proto_tcp.c
    if (take_word(rest) != "SYN_RECV") return false;
    const auto word = take_word(rest);
    int left = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), left);
    return error == std::errc{} && left <= kSynReceivedSeconds - kAtLeast;
}

bool is_of(const IpvsConnection& one, const netlink::IpvsServiceKey& key) {
    return one.protocol == key.protocol && one.service == Endpoint{key.address, key.port};
}

}  // namespace

std::vector<IpvsConnection> ipvs_connections(std::string_view lines) {
    static const std::map<std::string_view, std::uint8_t> kProtocols{{"TCP", 6}, {"UDP", 17}, {"SCTP", 132}};
    std::vector<IpvsConnection> found;
    while (!lines.empty()) {
        auto line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(line.size() + 1, lines.size()));
        const auto protocol = kProtocols.find(take_word(line));
        if (protocol == kProtocols.end()) continue;  // the headline
        const auto client = take_endpoint(line), service = take_endpoint(line), server = take_endpoint(line);
        if (client && service && server)
            found.push_back({protocol->second, *client, *service, *server, is_waiting(line)});
    }
    return found;
}

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

std::optional<InferredSize> infer_mh_size(const IpvsTableEntry& entry, const std::vector<IpvsConnection>& connections) {
    std::vector<const IpvsConnection*> own;
    for (const auto& one : connections)
        if (is_of(one, entry.service.service.key) && own.size() < kConnectionsMax) own.push_back(&one);
    if (own.size() < kConnectionsForSize) return std::nullopt;
    const auto flags = entry.service.service.flags;
    const lvs::MhFlags how{.fallback = (flags & kScheduler1) != 0, .port = (flags & kScheduler2) != 0};
    const auto destinations = mh_destinations(entry);
    const auto available = [&](std::size_t n) { return entry.destinations[n].destination.weight > 0; };
    InferredSize best{.of = own.size()};
    std::size_t second = 0;
    for (const auto slots : lvs::kMhTableSizes) {
        const lvs::MhTable table{destinations, slots};
        const auto explained = static_cast<std::size_t>(std::ranges::count_if(own, [&](const IpvsConnection* one) {
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
