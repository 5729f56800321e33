// Checks along the data path (check_data_path): a check of a server with direct routing or a tunnel asks the service's
// address, and a kernel service of its own, for a firewall mark, sends it to that one server as IPVS sends packets of
// clients. A server that does not have the service's address, or does not open the tunnel, fails it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/config/model.hpp"
#include "table.hpp"

namespace mainstay::lvs {

// Marks of such checks, the last of them not included. The configuration's own marks are left out.
inline constexpr std::uint32_t kPathMarksBegin = 0x4d000000, kPathMarksEnd = 0x4e000000;

class PathChecks {
public:
    // Lets the checks that can do so ask the service's address with a mark: TCP, HTTP, SSL, SMTP, DNS, UDP and gRPC
    // checks without connect_ip and fwmark. A server keeps its mark as long as there is no call without it.
    void apply(std::vector<config::VirtualServer>& services);

    [[nodiscard]] bool is_used() const { return !ways_.empty(); }
    [[nodiscard]] bool uses(Family family) const;
    // Whether a service has this address. Servers have it as well: what comes from it, they would answer to themselves.
    [[nodiscard]] bool is_of_service(const IpAddress& address) const { return addresses_.contains(address); }
    // The kernel services, one for each mark; each forwards to one server.
    [[nodiscard]] Table desired() const;

    struct Way {
        netlink::IpvsServiceKey key;
        config::RealServer server;  // without its checks
    };
    // Of a check that apply() has changed; null: of another one.
    [[nodiscard]] const Way* way_of(const config::Checker& checker) const;

private:
    std::map<std::pair<std::string, std::string>, std::uint32_t> marks_;  // by service and server
    std::map<std::uint32_t, Way> ways_;                                   // by mark
    std::set<IpAddress> addresses_;                                       // of all services
};

}  // namespace mainstay::lvs
