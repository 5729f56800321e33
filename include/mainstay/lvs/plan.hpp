// From what the kernel has to what is wanted, in the fewest writes and in an order that never takes a service's last
// server away while it should have one.
#pragma once

#include <span>
#include <vector>

#include "mainstay/netlink/ipvs_types.hpp"
#include "table.hpp"

namespace mainstay::lvs {

// Services of `actual` that are neither in `desired` nor named by `owned` are somebody else's: never touched. A key
// that occurs twice in `desired` counts once, the first; likewise a destination within its service.
//
// Order: services in file order; within one: the service itself, then destinations added or set to take traffic in
// file order, then those set to weight 0, then those deleted. Services to delete come last; their destinations go
// with them in the kernel and are not deleted one by one.
[[nodiscard]] std::vector<netlink::IpvsOperation> plan(const Table& desired, const Table& actual,
                                                       std::span<const netlink::IpvsServiceKey> owned);
// What it has of one service; null: there is no such service.
void plan_service(const ServiceTable& wanted, const ServiceTable* actual, std::vector<netlink::IpvsOperation>& out);

// What the kernel has after it has been given this and refused nothing.
[[nodiscard]] ServiceTable as_put_in(ServiceTable wanted);

// The table after one operation, as the kernel does it (new destinations go to the front of its list). False: the
// kernel would refuse it, and nothing changed. Keeps the role's shadow of the kernel, and is the tests' fake kernel.
bool perform(ServiceTable& table, const netlink::IpvsOperation& operation);
bool perform(Table& table, const netlink::IpvsOperation& operation);

}  // namespace mainstay::lvs
