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

IpvsOperation on_service(IpvsOperation::Kind kind, const netlink::IpvsService& service) { return {kind, service, {}}; }

IpvsOperation on_destination(IpvsOperation::Kind kind, const netlink::IpvsService& service,
                             const IpvsDestination& destination) {
    return {kind, service, destination};
}

IpvsDestination with_weight(IpvsDestination destination, std::uint32_t weight) {
    destination.weight = static_cast<std::int32_t>(weight);
    return destination;
}

// It shall have slots in the mh table of an active_active service, and take no traffic.
bool has_slots_only(const IpvsDestination& destination) {
    return destination.weight == 0 && destination.last_weight != 0;
}

// The operations for the destinations of one service: those set to 0 come after the others.
class Changes {
public:
    Changes(const ServiceTable& wanted, std::vector<IpvsOperation>& out) : service_{wanted.service}, out_{out} {}

    // One that has slots only is added with its weight and then set to 0: the kernel gives none to what is added with
    // 0.
    void add(const IpvsDestination& destination) {
        const bool in_two = has_slots_only(destination);
        const auto& first = in_two ? with_weight(destination, destination.last_weight) : destination;
        out_.push_back(on_destination(IpvsOperation::Kind::AddDestination, service_, first));
        if (in_two) out_.push_back(on_destination(IpvsOperation::Kind::SetDestination, service_, destination));
    }
    void change(const IpvsDestination& is, const IpvsDestination& should) {
        const bool in_two = has_slots_only(should) && is.last_weight != should.last_weight;
        if (in_two) set(to_zero_, with_weight(should, should.last_weight));
        if (in_two || is != should) set(should.weight > 0 ? out_ : to_zero_, should);
    }
    void remove(const IpvsDestination& is) {
        out_.push_back(on_destination(IpvsOperation::Kind::DeleteDestination, service_, is));
    }
    void zeros() { out_.insert(out_.end(), to_zero_.begin(), to_zero_.end()); }

private:
    void set(std::vector<IpvsOperation>& where, const IpvsDestination& to) const {
        where.push_back(on_destination(IpvsOperation::Kind::SetDestination, service_, to));
    }
    const netlink::IpvsService& service_;
    std::vector<IpvsOperation>& out_;
    std::vector<IpvsOperation> to_zero_;
};

void plan_new(const ServiceTable& wanted, std::vector<IpvsOperation>& out) {
    out.push_back(on_service(IpvsOperation::Kind::AddService, wanted.service));
    Changes changes{wanted, out};
    std::set<Endpoint> seen;
    for (const auto& destination : wanted.destinations)
        if (seen.insert(destination.endpoint).second) changes.add(destination);
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

// Of an active_active service, whose destinations are sorted by endpoint: by weights alone, unless a repair may delete
// and add again.
void plan_agreed(const ServiceTable& wanted, const ServiceTable& actual, Repair repair,
                 std::vector<IpvsOperation>& out) {
    Changes changes{wanted, out};
    const std::size_t stay = repair == Repair::Now ? in_place(wanted, actual) : actual.destinations.size();
    std::map<Endpoint, const IpvsDestination*> present;
    for (const auto& destination : actual.destinations | std::views::reverse | std::views::take(stay))
        present.emplace(destination.endpoint, &destination);
    for (const auto& destination : actual.destinations)  // the newest first
        if (!present.contains(destination.endpoint)) changes.remove(destination);

    for (const auto& destination : wanted.destinations) {
        if (const auto found = present.find(destination.endpoint); found != present.end())
            changes.change(*found->second, destination);
        else
            changes.add(destination);
    }
    for (const auto& [endpoint, is] : present)
        if (!std::ranges::binary_search(wanted.destinations, endpoint, {}, &IpvsDestination::endpoint))
            changes.change(*is, with_weight(*is, 0));
    changes.zeros();
}

void plan_kept(const ServiceTable& wanted, const ServiceTable& actual, std::vector<IpvsOperation>& out) {
    // Equal, the usual case: the kernel lists the newest destination first.
    if (std::ranges::equal(wanted.destinations, actual.destinations | std::views::reverse)) return;

    std::map<Endpoint, const IpvsDestination*> present;
    for (const auto& destination : actual.destinations) present.emplace(destination.endpoint, &destination);

    Changes changes{wanted, out};
    std::set<Endpoint> seen;
    for (const auto& destination : wanted.destinations) {
        if (!seen.insert(destination.endpoint).second) continue;
        if (const auto found = present.find(destination.endpoint); found != present.end())
            changes.change(*found->second, destination);
        else
            changes.add(destination);
    }
    changes.zeros();
    for (const auto& destination : actual.destinations) {
        if (seen.contains(destination.endpoint)) continue;
        changes.remove(destination);
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
    if (!same_service(wanted.service, actual->service))
        out.push_back(on_service(IpvsOperation::Kind::SetService, wanted.service));
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
        if (found != nullptr) operations.push_back(on_service(IpvsOperation::Kind::DeleteService, found->service));
    }
    return operations;
}

bool perform(ServiceTable& table, const IpvsOperation& operation) {
    auto& destinations = table.destinations;
    const auto at = std::ranges::find(destinations, operation.destination.endpoint, &IpvsDestination::endpoint);
    switch (operation.kind) {
        case IpvsOperation::Kind::SetService:
            table.service = operation.service;
            return true;
        case IpvsOperation::Kind::AddDestination:
            if (at != destinations.end() || refused(operation.destination)) return false;
            destinations.insert(destinations.begin(), operation.destination);
            destinations.front().last_weight = static_cast<std::uint32_t>(operation.destination.weight);
            return true;
        case IpvsOperation::Kind::SetDestination:
            if (at == destinations.end() || refused(operation.destination)) return false;
            set_as_kernel(*at, operation.destination);
            return true;
        case IpvsOperation::Kind::DeleteDestination:
            if (at == destinations.end()) return false;
            destinations.erase(at);
            return true;
        case IpvsOperation::Kind::AddService:
        case IpvsOperation::Kind::DeleteService:
            return false;  // on the table of all services only
    }
    return false;
}

bool perform(Table& table, const IpvsOperation& operation) {
    const auto at =
        std::ranges::find(table, operation.service.key, [](const ServiceTable& entry) { return entry.service.key; });
    if (operation.kind == IpvsOperation::Kind::AddService) {
        if (at != table.end()) return false;
        table.push_back({operation.service, {}});
        return true;
    }
    if (at == table.end()) return false;
    if (operation.kind == IpvsOperation::Kind::DeleteService) {
        table.erase(at);
        return true;
    }
    return perform(*at, operation);
}

}  // namespace mainstay::lvs
