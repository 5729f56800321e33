// active_active services: the digests of their mh tables, and which of them wait for a repair.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/lvs/mh_table.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/role/lvs/role.hpp"
#include "reconciler.hpp"

namespace mainstay::role {

class Agreement {
public:
    // All arguments must outlive this object.
    Agreement(Log& log, const TableReconciler& reconciler, const LvsOptions& options);

    // Looks at all tables, and logs a line for each digest that is new since the last call.
    void look(const lvs::Judge& judge);
    // As look() found it. None: the kernel does not have the service, as far as is known.
    [[nodiscard]] std::optional<report::MhTableStatus> of(const config::VirtualServer& service) const;
    // Of this service in the kernel: destinations wait to be deleted, or put in order.
    [[nodiscard]] std::vector<netlink::IpvsServiceKey> waiting(const lvs::Judge& judge, std::size_t service) const;
    void reloaded(const lvs::Judge& judge);

private:
    [[nodiscard]] std::optional<report::MhTableStatus> status_of(const std::vector<netlink::IpvsServiceKey>& keys);

    Log& log_;
    const TableReconciler& reconciler_;
    bool slots_assumed_;
    std::uint32_t slots_;
    lvs::MhDigests is_, should_;
    std::map<std::string, report::MhTableStatus> found_;  // by service
};

}  // namespace mainstay::role
