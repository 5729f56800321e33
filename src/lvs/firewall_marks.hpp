// nftables_ipvs: a group of addresses is one service of the kernel for a firewall mark, which nftables give to packets
// for these addresses. Who has which mark stays over reloads and crashes, or connections would change their service.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/lvs/memory.hpp"
#include "mainstay/lvs/table.hpp"
#include "mainstay/netlink/mark_table.hpp"

namespace mainstay::lvs {

class FirewallMarks {
public:
    // Marks that an earlier incarnation gave: before the first assign().
    void recall(const Memory& memory);
    // Gives each group that nftables maps its marks: those that it has, else free ones.
    void assign(const config::Global& global, const std::vector<config::VirtualServer>& services);

    // keepalived: only groups without a mark of their own.
    [[nodiscard]] static bool is_mapped(const config::Global& global, const config::VirtualServer& service);
    // The services of the kernel that a service of the last assign() stands for.
    [[nodiscard]] std::vector<netlink::IpvsServiceKey> keys_of(const config::Global& global,
                                                               const config::VirtualServer& service) const;
    // None when the configuration does not ask for it.
    [[nodiscard]] std::optional<netlink::MarkTable> table(const config::Global& global,
                                                          const std::vector<config::VirtualServer>& services) const;

private:
    std::map<std::pair<ServiceIdentity, Family>, std::uint32_t> marks_;
};

}  // namespace mainstay::lvs
