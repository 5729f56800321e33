#include "mainstay/lvs/plan.hpp"

#include <algorithm>
#include <map>
#include <ranges>
#include <set>

namespace mainstay::lvs {
namespace {

using netlink::IpvsDestination;
using netlink::IpvsOperation;
using netlink::IpvsServiceKey;
using Kind = IpvsOperation::Kind;

IpvsOperation on_service(Kind kind, const netlink::IpvsService& service) { return {kind, service, {}}; }

IpvsOperation on_destination(Kind kind, const netlink::IpvsService& service, const IpvsDestination& destination) {
    return {kind, service, destination};
}

IpvsDestination with_weight(IpvsDestination destination, std::uint32_t weight) {
    destination.weight = static_cast<std::int32_t>(weight);
    return destination;
}

// A server of an active_active service that takes no traffic is added with its weight and then set to 0: only so does
// the kernel give it the slots that it has on directors where it is up.
void add_destination(const ServiceTable& wanted, const IpvsDestination& destination, std::vector<IpvsOperation>& out) {
    const bool gets_slots = destination.weight == 0 && destination.last_weight != 0;
    const auto& first = gets_slots ? with_weight(destination, destination.last_weight) : destination;
    out.push_back(on_destination(Kind::AddDestination, wanted.service, first));
    if (gets_slots) out.push_back(on_destination(Kind::SetDestination, wanted.service, destination));
}

void plan_new(const ServiceTable& wanted, std::vector<IpvsOperation>& out) {
    out.push_back(on_service(Kind::AddService, wanted.service));
    std::set<Endpoint> seen;
    for (const auto& destination : wanted.destinations)
        if (seen.insert(destination.endpoint).second) add_destination(wanted, destination, out);
}

// The destinations of an active_active service are sorted by endpoint.
bool wants(const ServiceTable& wanted, const Endpoint& endpoint) {
    return std::ranges::binary_search(wanted.destinations, endpoint, {}, &IpvsDestination::endpoint);
}

// So many of the oldest destinations stand where the canonical order has them, with slots as they shall have.
std::size_t in_place(const ServiceTable& wanted, const ServiceTable& actual) {
    const auto oldest_first = actual.destinations | std::views::reverse;
    const auto stays = [](const IpvsDestination& should, const IpvsDestination& is) {
        return should.endpoint == is.endpoint && (should.last_weight != 0 || is.last_weight == 0);
    };
    const auto end = std::ranges::mismatch(wanted.destinations, oldest_first, stays).in1;
    return static_cast<std::size_t>(end - wanted.destinations.begin());
}

// Of an active_active service: by weights alone, unless a repair may delete and add again.
void plan_agreed(const ServiceTable& wanted, const ServiceTable& actual, Repair repair,
                 std::vector<IpvsOperation>& out) {
    const std::size_t stay = repair == Repair::Now ? in_place(wanted, actual) : actual.destinations.size();
    std::map<Endpoint, const IpvsDestination*> present;
    for (const auto& destination : actual.destinations | std::views::reverse | std::views::take(stay))
        present.emplace(destination.endpoint, &destination);
    for (const auto& destination : actual.destinations)  // the newest first
        if (!present.contains(destination.endpoint))
            out.push_back(on_destination(Kind::DeleteDestination, wanted.service, destination));

    std::vector<IpvsOperation> to_zero;
    for (const auto& destination : wanted.destinations) {
        const auto found = present.find(destination.endpoint);
        if (found == present.end()) {
            add_destination(wanted, destination, out);
            continue;
        }
        const IpvsDestination& is = *found->second;
        const bool gets_slots =
            destination.weight == 0 && destination.last_weight != 0 && is.last_weight != destination.last_weight;
        if (gets_slots)
            to_zero.push_back(on_destination(Kind::SetDestination, wanted.service,
                                             with_weight(destination, destination.last_weight)));
        if (!gets_slots && is == destination) continue;
        auto& queue = destination.weight > 0 ? out : to_zero;
        queue.push_back(on_destination(Kind::SetDestination, wanted.service, destination));
    }
    out.insert(out.end(), to_zero.begin(), to_zero.end());
    for (const auto& [endpoint, is] : present) {
        if (is->weight == 0 || wants(wanted, endpoint)) continue;
        out.push_back(on_destination(Kind::SetDestination, wanted.service, with_weight(*is, 0)));
    }
}

void plan_kept(const ServiceTable& wanted, const ServiceTable& actual, std::vector<IpvsOperation>& out) {
    // Equal, the usual case: the kernel lists the newest destination first.
    if (std::ranges::equal(wanted.destinations, actual.destinations | std::views::reverse)) return;

    std::map<Endpoint, const IpvsDestination*> present;
    for (const auto& destination : actual.destinations) present.emplace(destination.endpoint, &destination);

    std::set<Endpoint> seen;
    std::vector<IpvsOperation> to_zero;
    for (const auto& destination : wanted.destinations) {
        if (!seen.insert(destination.endpoint).second) continue;
        const auto found = present.find(destination.endpoint);
        if (found == present.end()) {
            out.push_back(on_destination(Kind::AddDestination, wanted.service, destination));
        } else if (*found->second != destination) {
            auto& queue = destination.weight > 0 ? out : to_zero;
            queue.push_back(on_destination(Kind::SetDestination, wanted.service, destination));
        }
    }
    out.insert(out.end(), to_zero.begin(), to_zero.end());
    for (const auto& destination : actual.destinations) {
        if (seen.contains(destination.endpoint)) continue;
        out.push_back(on_destination(Kind::DeleteDestination, wanted.service, destination));
    }
}

void set_as_kernel(IpvsDestination& destination, const IpvsDestination& wanted) {
    const auto last = wanted.weight == 0 ? destination.last_weight : static_cast<std::uint32_t>(wanted.weight);
    destination = wanted;
    destination.last_weight = last;
}

bool refused(const IpvsDestination& destination) {
    return destination.weight < 0 ||
           (destination.upper_threshold != 0 && destination.lower_threshold > destination.upper_threshold);
}

}  // namespace

void plan_service(const ServiceTable& wanted, const ServiceTable* actual, std::vector<IpvsOperation>& out,
                  Repair repair) {
    if (actual == nullptr) return plan_new(wanted, out);
    if (!same_service(wanted.service, actual->service)) out.push_back(on_service(Kind::SetService, wanted.service));
    if (wanted.active_active)
        plan_agreed(wanted, *actual, repair, out);
    else
        plan_kept(wanted, *actual, out);
}

ServiceTable as_put_in(ServiceTable wanted) {
    std::set<Endpoint> seen;
    std::erase_if(wanted.destinations, [&seen](const auto& one) { return !seen.insert(one.endpoint).second; });
    std::ranges::reverse(wanted.destinations);
    return wanted;
}

std::vector<IpvsOperation> plan(const Table& desired, const Table& actual, std::span<const IpvsServiceKey> owned) {
    std::map<IpvsServiceKey, const ServiceTable*> present;
    for (const auto& entry : actual) present.emplace(entry.service.key, &entry);
    const auto find = [&present](const IpvsServiceKey& key) -> const ServiceTable* {
        const auto found = present.find(key);
        return found == present.end() ? nullptr : found->second;
    };
    std::vector<IpvsOperation> operations;
    std::set<IpvsServiceKey> wanted;
    for (const auto& entry : desired) {
        if (!wanted.insert(entry.service.key).second) continue;
        plan_service(entry, find(entry.service.key), operations);
    }

    std::set<IpvsServiceKey> gone;
    for (const auto& key : owned) {
        if (wanted.contains(key) || !gone.insert(key).second) continue;
        const ServiceTable* found = find(key);
        if (found != nullptr) operations.push_back(on_service(Kind::DeleteService, found->service));
    }
    return operations;
}

bool perform(ServiceTable& table, const IpvsOperation& operation) {
    auto& destinations = table.destinations;
    const auto at = std::ranges::find(destinations, operation.destination.endpoint, &IpvsDestination::endpoint);
    switch (operation.kind) {
        case Kind::SetService:
            table.service = operation.service;
            return true;
        case Kind::AddDestination:
            if (at != destinations.end() || refused(operation.destination)) return false;
            destinations.insert(destinations.begin(), operation.destination);
            destinations.front().last_weight = static_cast<std::uint32_t>(operation.destination.weight);
            return true;
        case Kind::SetDestination:
            if (at == destinations.end() || refused(operation.destination)) return false;
            set_as_kernel(*at, operation.destination);
            return true;
        case Kind::DeleteDestination:
            if (at == destinations.end()) return false;
            destinations.erase(at);
            return true;
        case Kind::AddService:
        case Kind::DeleteService:
            return false;  // on the table of all services only
    }
    return false;
}

bool perform(Table& table, const IpvsOperation& operation) {
    const auto at =
        std::ranges::find(table, operation.service.key, [](const ServiceTable& entry) { return entry.service.key; });
    if (operation.kind == Kind::AddService) {
        if (at != table.end()) return false;
        table.push_back({operation.service, {}});
        return true;
    }
    if (at == table.end()) return false;
    if (operation.kind == Kind::DeleteService) {
        table.erase(at);
        return true;
    }
    return perform(*at, operation);
}

}  // namespace mainstay::lvs
