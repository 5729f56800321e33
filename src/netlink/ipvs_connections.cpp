#include "mainstay/netlink/ipvs_connections.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace mainstay::netlink {
namespace {

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

}  // namespace mainstay::netlink
