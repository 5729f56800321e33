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

void plan_new(const ServiceTable& wanted, std::vector<IpvsOperation>& out) {
    out.push_back(on_service(Kind::AddService, wanted.service));
    std::set<Endpoint> seen;
    for (const auto& destination : wanted.destinations) {
        if (!seen.insert(destination.endpoint).second) continue;
        out.push_back(on_destination(Kind::AddDestination, wanted.service, destination));
    }
}

void plan_kept(const ServiceTable& wanted, const ServiceTable& actual, std::vector<IpvsOperation>& out) {
    if (!same_service(wanted.service, actual.service)) out.push_back(on_service(Kind::SetService, wanted.service));
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

bool refused(const IpvsDestination& destination) {
    return destination.weight < 0 ||
           (destination.upper_threshold != 0 && destination.lower_threshold > destination.upper_threshold);
}

}  // namespace

void plan_service(const ServiceTable& wanted, const ServiceTable* actual, std::vector<IpvsOperation>& out) {
    if (actual == nullptr)
        plan_new(wanted, out);
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
            return true;
        case Kind::SetDestination:
            if (at == destinations.end() || refused(operation.destination)) return false;
            *at = operation.destination;
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
