#include "mainstay/report/document.hpp"

#include <map>
#include <tuple>
#include <utility>

namespace mainstay::report {
namespace {

constexpr std::size_t kWaitingAtLeast = 3;  // fewer may be clients that went away
constexpr std::uint8_t kTcp = 6;

}  // namespace

std::vector<UnansweredServer> unanswered_servers(std::span<const netlink::IpvsConnection> connections) {
    std::map<std::pair<Endpoint, Endpoint>, UnansweredServer> counts;
    for (const auto& one : connections) {
        if (one.protocol != kTcp) continue;
        auto& count = counts[{one.service, one.server}];
        ++count.all;
        count.waiting += one.waits ? 1 : 0;
    }
    std::vector<UnansweredServer> found;
    for (auto& [between, count] : counts) {
        if (count.waiting < kWaitingAtLeast || count.waiting * 2 <= count.all) continue;
        std::tie(count.service, count.server) = between;
        found.push_back(count);
    }
    return found;
}

}  // namespace mainstay::report
