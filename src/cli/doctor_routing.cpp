// What the doctor finds with the routing daemon that announces this director's addresses: from FRR's own answers in
// JSON. Nothing is changed there.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "doctor.hpp"
#include "json_view.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

void evaluate_neighbor(const DoctorFacts::BgpNeighbor& one, std::vector<Finding>& found) {
    if (one.state != "Established")
        return found.push_back({fmt::format("the BGP session with {} is in the state {}", one.address, one.state),
                                fmt::format("routers hear nothing of this director from it: see vtysh -c 'show bgp "
                                            "neighbors {}'",
                                            one.address)});
    if (one.restarts_gracefully)
        found.push_back(
            {fmt::format("graceful restart is on in the BGP session with {}: it keeps the routes of a "
                         "director that is dead",
                         one.address),
             fmt::format("neighbor {} graceful-restart-disable, then clear bgp {}", one.address, one.address)});
    if (one.bfd != "Up")
        found.push_back({fmt::format("BFD with {} is {}: a director that is gone is noticed after the hold time only",
                                     one.address, one.bfd.empty() ? "off" : one.bfd),
                         fmt::format("neighbor {} bfd, and bfdd running on both sides", one.address)});
}

}  // namespace

void read_bgp_neighbors(DoctorFacts& facts, std::string_view answer) {
    const auto neighbors = json_object(answer);
    if (!neighbors) return;
    for (const auto& [address, one] : neighbors->items()) {
        if (!one.is_object() || !one.contains("bgpState")) continue;
        facts.bgp_neighbors.push_back(
            {.address = address,
             .state = text(one, "bgpState"),
             .restarts_gracefully = !text(part(one, "gracefulRestartInfo"), "localGrMode").starts_with("Disable"),
             .bfd = text(part(one, "peerBfdInfo"), "status")});
    }
}

std::vector<std::string> not_advertised(std::span<const std::string> prefixes, const std::string& answers) {
    std::vector<std::string> missing;
    std::istringstream in{answers};
    try {
        for (const auto& prefix : prefixes) {
            json route;
            in >> route;
            if (part(route, "advertisedTo").empty()) missing.push_back(prefix);
        }
    } catch (const json::exception&) {
        return {};  // another version's words, or an error's
    }
    return missing;
}

void evaluate_routing(const DoctorFacts& facts, std::vector<Finding>& found) {
    if (facts.announced.empty()) return;
    if (!facts.has_routing_daemon)
        return found.push_back(
            {fmt::format("no routing daemon runs here, and mainstay announces {}", facts.announced.front()),
             "start FRR or BIRD with a configuration as in etc/examples/routing"});
    for (const auto& one : facts.bgp_neighbors) evaluate_neighbor(one, found);
    for (const auto& address : facts.not_advertised)
        found.push_back({fmt::format("mainstay announces {}, and FRR advertises it to nobody", address),
                         "redistribute connected with a route map that matches the interface, as in "
                         "etc/examples/routing/frr-director.conf"});
}

}  // namespace mainstay::cli
