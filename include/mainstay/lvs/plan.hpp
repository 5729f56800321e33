// The operations that change the kernel's table to the desired one: as few as possible, in an order that never leaves a
// service without a server while it should have one.
#pragma once

#include <span>
#include <vector>

#include "mainstay/netlink/ipvs_types.hpp"
#include "table.hpp"

namespace mainstay::lvs {

// Services of `actual` that are neither in `desired` nor in `owned` belong to other programs and are not touched. Of
// duplicate keys in `desired` the first counts; likewise for destinations within a service.
//
// Order: services in file order; within one: the service itself, then destinations added or set to take traffic in
// file order, then those set to weight 0, then those deleted. Services to delete come last; the kernel deletes their
// destinations with them.
[[nodiscard]] std::vector<netlink::IpvsOperation> plan(const Table& desired, const Table& actual,
                                                       std::span<const netlink::IpvsServiceKey> owned);
// Whether destinations of an active_active service may be deleted and put into another order. That gives other flows
// other servers, so while the director has traffic it waits: a server that is not wanted any more keeps its slots with
// weight 0, and a new one stands behind those that are there.
enum class Repair : std::uint8_t { Later, Now };

// The same for one service. `actual` null: the kernel does not have it.
void plan_service(const ServiceTable& wanted, const ServiceTable* actual, std::vector<netlink::IpvsOperation>& out,
                  Repair repair = Repair::Later);

// The kernel's table after this service has been set without refusals; of an active_active one after the repair.
[[nodiscard]] ServiceTable as_put_in(ServiceTable wanted);

// Applies one operation as the kernel does (new destinations go to the front of its list). False: the kernel would
// refuse it, and nothing changed. Used for the ledger's known table, and as a simulated kernel in tests.
bool perform(ServiceTable& table, const netlink::IpvsOperation& operation);
bool perform(Table& table, const netlink::IpvsOperation& operation);

}  // namespace mainstay::lvs
