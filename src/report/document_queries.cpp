#include "document_queries.hpp"

#include <algorithm>
#include <chrono>

namespace mainstay::report {

namespace {

template <class Entry>
const Entry* find_named(const std::vector<Entry>& list, std::string_view name) {
    const auto found = std::ranges::find(list, name, &Entry::name);
    return found != list.end() ? &*found : nullptr;
}

}  // namespace

const vrrp::InstanceSnapshot* find_instance(const VrrpStatus& status, std::string_view name) {
    return find_named(status.router.instances, name);
}

const vrrp::GroupSnapshot* find_group(const VrrpStatus& status, std::string_view name) {
    return find_named(status.router.groups, name);
}

const vrrp::ScriptSnapshot* find_script(const VrrpStatus& status, std::string_view name) {
    return find_named(status.router.scripts, name);
}

const vrrp::BfdSnapshot* find_bfd(const VrrpStatus& status, std::string_view name) {
    return find_named(status.router.bfds, name);
}

const vrrp::TrackerSnapshot* find_tracker(const VrrpStatus& status, vrrp::TrackerSnapshot::Kind kind,
                                          std::string_view name) {
    const auto found = std::ranges::find_if(
        status.router.trackers, [&](const auto& tracker) { return tracker.kind == kind && tracker.name == name; });
    return found != status.router.trackers.end() ? &*found : nullptr;
}

std::uint32_t state_number(vrrp::State state) {
    switch (state) {
        case vrrp::State::Init:
            return 0;
        case vrrp::State::Backup:
            return 1;
        case vrrp::State::Master:
            return 2;
        case vrrp::State::Fault:
            return 3;
    }
    return 0;
}

std::optional<vrrp::State> state_after(Transition transition) {
    switch (transition) {
        case Transition::Backup:
            return vrrp::State::Backup;
        case Transition::Master:
            return vrrp::State::Master;
        case Transition::Fault:
            return vrrp::State::Fault;
        default:
            return std::nullopt;
    }
}

UpState up_state(bool known, bool up) { return !known ? UpState::Unknown : up ? UpState::Up : UpState::Down; }

bool holds_addresses(const vrrp::InstanceSnapshot& instance) {
    return instance.state == vrrp::State::Master && instance.owns_addresses;
}

bool knows_master(const vrrp::InstanceSnapshot& instance) {
    return instance.names_master() && instance.state != vrrp::State::Fault;
}

const vrrp::PeerProblem* other_master(const DaemonStatus& status, const vrrp::InstanceSnapshot& instance) {
    constexpr Nanos kAtLeast = std::chrono::seconds{10};
    constexpr int kAdverts = 4;  // the next ones may be lost
    const Nanos recent = std::max(kAtLeast, kAdverts * Nanos{instance.master_interval});
    // A calendar that was set back says nothing of how long it has been MASTER.
    const bool is_known = status.now.unix_us >= instance.since.unix_us;
    const Nanos master_for = is_known ? Nanos{Micros{status.now.unix_us - instance.since.unix_us}} : Nanos::max();
    const vrrp::PeerProblem* last = nullptr;
    if (instance.state != vrrp::State::Master) return last;
    for (const auto& problem : instance.problems) {
        const Nanos age = status.clock - problem.last;
        if (problem.kind == "lower_priority" || age > recent || age > master_for) continue;  // the first: of a BACKUP
        if (last == nullptr || problem.last > last->last) last = &problem;
    }
    return last;
}

Overrides overrides_of(const LvsStatus& status) {
    Overrides overrides;
    for (const auto& one : status.overrides) overrides[{one.service, one.server}] = static_cast<lvs::Hold>(one.hold);
    return overrides;
}

ServerState server_state(const ServiceStatus& service, const ServerStatus& server, const Overrides& overrides) {
    const auto found = overrides.find({service.name, server.endpoint});
    if (found != overrides.end() && found->second == lvs::Hold::Disabled) return ServerState::Disabled;
    if (found != overrides.end() && found->second == lvs::Hold::Drained) return ServerState::Drained;
    return server.alive ? ServerState::Up : ServerState::Down;
}

std::size_t count_alive(const ServiceStatus& service) {
    return static_cast<std::size_t>(std::ranges::count_if(service.servers, &ServerStatus::alive));
}

const ServiceTraffic* traffic_of(const LvsStatus& status, std::size_t service) {
    return status.traffic && service < status.traffic->size() ? &(*status.traffic)[service] : nullptr;
}

const ServerTraffic* traffic_of(const ServiceTraffic* service, std::size_t server) {
    return service != nullptr && server < service->servers.size() ? &service->servers[server] : nullptr;
}

const std::vector<ServiceTraffic>* traffic_of_all(const LvsStatus& status) {
    return status.traffic && status.traffic->size() == status.services.size() ? &*status.traffic : nullptr;
}

}  // namespace mainstay::report
