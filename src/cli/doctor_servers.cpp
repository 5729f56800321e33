// Servers whose clients wait in vain, by the kernel's connections.
#include <fmt/format.h>

#include <istream>
#include <map>

#include "doctor.hpp"
#include "mainstay/config/model.hpp"
#include "mh_size.hpp"

namespace mainstay::cli {
namespace {

constexpr std::size_t kLinesMax = 200'000;  // of the kernel's connections; the rest of millions tells nothing new
constexpr std::size_t kWaitingAtLeast = 3;  // fewer may be clients that went away

// Why a server that its checks reach does not answer clients.
std::string advice_for(const config::Config& config, const DoctorFacts::Waiting& one) {
    for (const auto& service : config.virtual_servers)
        for (const auto& server : service.real_servers) {
            if (server.endpoint != one.server) continue;
            if (server.forwarding == config::Forwarding::Nat)
                return "the server's replies must come back through this director: its route to the clients goes to an "
                       "address of this director, and ip_forward is 1 here";
            return fmt::format(
                "run mainstay-realserver status {0} on the server: it must have the address on lo{1}, and the service "
                "must listen there; check_data_path finds such servers",
                one.service.address.to_string(),
                server.forwarding == config::Forwarding::Tunnel ? ", take packets from the tunnel" : "");
        }
    return "look whether the server has the virtual address, and which way its replies take";
}

}  // namespace

void count_waiting(DoctorFacts& facts, std::istream& connections) {
    struct Count {
        std::size_t waiting = 0, all = 0;
    };
    std::map<std::pair<Endpoint, Endpoint>, Count> counts;
    std::string line;
    for (std::size_t lines = 0; lines < kLinesMax && std::getline(connections, line); ++lines)
        for (const auto& one : ipvs_connections(line)) {
            constexpr std::uint8_t kTcp = 6;
            if (one.protocol != kTcp) continue;
            auto& count = counts[{one.service, one.server}];
            ++count.all;
            count.waiting += one.waits ? 1 : 0;
        }
    for (const auto& [between, count] : counts)
        if (count.waiting >= kWaitingAtLeast && count.waiting * 2 > count.all)
            facts.waiting.push_back({between.first, between.second, count.waiting, count.all});
}

void judge_waiting(const DoctorFacts& facts, std::vector<Finding>& found) {
    for (const auto& one : facts.waiting)
        found.push_back({fmt::format("{} of {} connections of {} to server {} do not finish: the server's answer does "
                                     "not reach the clients",
                                     one.waiting, one.all, one.service.to_string(), one.server.to_string()),
                         advice_for(facts.configuration, one)});
}

}  // namespace mainstay::cli
