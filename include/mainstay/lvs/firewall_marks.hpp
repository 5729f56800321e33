// nftables_ipvs: a group of addresses is one kernel service for a firewall mark, which nftables sets on packets for
// these addresses. Marks stay the same across reloads and crashes, because connections would otherwise change their
// service.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/lvs/memory.hpp"
#include "mainstay/lvs/table.hpp"
#include "mainstay/netlink/mark_table.hpp"

namespace mainstay::lvs {

// Marks that the configuration gives to services and groups itself, and 0.
[[nodiscard]] std::set<std::uint32_t> configured_marks(const std::vector<config::VirtualServer>& services);

class FirewallMarks {
public:
    // Restores the marks of an earlier incarnation. Call it before the first assign().
    void recall(const Memory& memory);
    // Assigns marks to each group that is_mapped(): those it has, else free ones. A mark below the configured first one
    // is given up: an administrator who raises that one wants the lower marks for other things.
    void assign(const config::Global& global, const std::vector<config::VirtualServer>& services);

    // keepalived: only groups without configured marks.
    [[nodiscard]] static bool is_mapped(const config::Global& global, const config::VirtualServer& service);
    // The kernel services of a service from the last assign().
    [[nodiscard]] std::vector<netlink::IpvsServiceKey> keys_of(const config::Global& global,
                                                               const config::VirtualServer& service) const;
    // None if nftables_ipvs is not configured.
    [[nodiscard]] std::optional<netlink::MarkTable> table(const config::Global& global,
                                                          const std::vector<config::VirtualServer>& services) const;

private:
    template <class A>
    friend void fields(A& archive, FirewallMarks& marks);  // judge_state.cpp

    std::map<std::pair<ServiceIdentity, Family>, std::uint32_t> marks_;
};

}  // namespace mainstay::lvs
