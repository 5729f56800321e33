#include "leftovers.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

#include "mainstay/kernel/ipvs.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/instance.hpp"
#include "mainstay/vrrp/routing.hpp"
#include "mainstay/vrrp/routing_set.hpp"
#include "mainstay/vrrp/statics.hpp"

namespace mainstay::cli {
namespace {

const kernel::Link* link_named(const HostState& host, const std::string& name) {
    const auto found = std::ranges::find(host.links, name, &kernel::Link::name);
    return found == host.links.end() ? nullptr : &*found;
}

std::vector<vrrp::ExistingLink> planned_with(const HostState& host) {
    std::vector<vrrp::ExistingLink> all;
    for (const auto& link : host.links) {
        vrrp::VirtualMac mac{};
        if (link.hardware_address.size() == mac.size())
            std::ranges::transform(link.hardware_address, mac.begin(),
                                   [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
        all.push_back({link.name, link.index, link.parent, link.kind, link.private_macvlan, mac});
    }
    return all;
}

class Leftovers {
public:
    Leftovers(const HostState& before, HostState now, const config::Config& config, const std::set<std::string>& kept)
        : before_{before}, now_{std::move(now)}, kept_{kept}, plan_{vrrp::plan_devices(config, planned_with(before))} {}

    Result<void> remove() {
        note(remove_routing());
        note(remove_addresses());
        note(remove_links());
        note(remove_services());
        return std::move(first_);
    }

private:
    void note(Result<void> done) {
        if (first_ && !done) first_ = std::move(done);
    }

    [[nodiscard]] const kernel::Address* came(const vrrp::HeldAddress& held) const {
        const auto* link = link_named(now_, held.interface);
        if (link == nullptr) return nullptr;
        const auto is_it = [&](const kernel::Address& one) {
            return one.interface_index == link->index && one.prefix == held.prefix;
        };
        if (std::ranges::any_of(before_.addresses, is_it)) return nullptr;
        const auto found = std::ranges::find_if(now_.addresses, is_it);
        return found == now_.addresses.end() ? nullptr : &*found;
    }

    Result<void> remove_addresses() {
        std::vector<vrrp::HeldAddress> named;
        for (const auto& instance : plan_.config.instances)
            if (!kept_.contains(instance.name))
                std::ranges::move(vrrp::held_addresses(instance), std::back_inserter(named));
        for (const auto& one : vrrp::static_addresses_of(plan_.config))
            named.push_back({one.address.dev, one.address.prefix});
        std::vector<kernel::Address> unwanted;
        for (const auto& held : named)
            if (const auto* there = came(held))
                unwanted.push_back(
                    {.interface_index = there->interface_index, .prefix = there->prefix, .peer = there->peer});
        if (unwanted.empty()) return {};
        auto netlink = kernel::Rtnetlink::open();
        if (!netlink) return error_of(netlink);
        const auto failed = netlink->remove(unwanted);
        if (!failed) return error_of(failed);
        if (failed->empty()) return {};
        return fail_system(unwanted[failed->front().index].prefix.to_string(), failed->front().sys_errno);
    }

    // Its interfaces exist; none: one of them is gone, and the route with it.
    [[nodiscard]] std::optional<netlink::Routing> as_request(const vrrp::RoutingEntry& entry) const {
        if (entry.is_rule()) return entry.what;
        auto route = std::get<netlink::Route>(entry.what);
        const auto resolve = [&](netlink::NextHop& hop) {
            const auto* link = link_named(now_, hop.device);
            if (link != nullptr) hop.interface_index = link->index;
            return link != nullptr || hop.device.empty();
        };
        if (!resolve(route.hop) || !std::ranges::all_of(route.hops, resolve)) return std::nullopt;
        if (const auto* vrf = link_named(now_, entry.vrf)) route.table = vrf->vrf_table;
        return route;
    }

    Result<void> remove_routing() {
        auto named = vrrp::static_routing_of(plan_.config);
        for (const auto& instance : plan_.config.instances)
            if (!kept_.contains(instance.name))
                std::ranges::move(vrrp::routing_of(instance), std::back_inserter(named));
        std::vector<netlink::Routing> unwanted;
        for (const auto& entry : vrrp::rules_first(std::move(named))) {
            const auto request = as_request(entry);
            const auto is_it = [&](const netlink::Routing& one) { return request && netlink::may_be(*request, one); };
            if (std::ranges::any_of(now_.routing, is_it) && std::ranges::none_of(before_.routing, is_it))
                unwanted.push_back(*request);
        }
        if (unwanted.empty()) return {};
        auto tables = kernel::RoutingTables::open();
        if (!tables) return error_of(tables);
        const auto answers = tables->remove(unwanted);
        if (!answers) return error_of(answers);
        for (const auto& answer : *answers)
            if (answer.verdict == netlink::Verdict::Failed) return fail(Errc::Io, "a route or rule: " + answer.text);
        return {};
    }

    Result<void> remove_links() {
        for (const auto& device : plan_.devices) {
            const auto* link = link_named(now_, device.name);
            if (device.found || link == nullptr || kept_.contains(device.instance)) continue;
            if (std::ranges::find(before_.links, link->index, &kernel::Link::index) != before_.links.end()) continue;
            auto maker = kernel::LinkMaker::open();
            auto done = maker ? maker->remove(link->index) : error_of(maker);
            if (!done) return error_of(done, device.name);
        }
        return {};
    }

    Result<void> remove_services() {
        std::vector<netlink::IpvsOperation> unwanted;
        for (const auto& key : now_.services)
            if (std::ranges::find(before_.services, key) == before_.services.end())
                unwanted.push_back({.kind = netlink::IpvsOperation::Kind::DeleteService, .service = {.key = key}});
        if (unwanted.empty()) return {};
        auto table = kernel::IpvsSocket::open();
        if (!table) return error_of(table);
        const auto done = table->perform(unwanted);
        if (!done) return error_of(done);
        if (done->failures.empty()) return {};
        return fail_system(netlink::describe(unwanted[done->failures.front().index]), done->failures.front().sys_errno);
    }

    const HostState& before_;
    HostState now_;
    const std::set<std::string>& kept_;
    vrrp::DevicePlan plan_;
    Result<void> first_;
};

}  // namespace

Result<HostState> read_host_state(const config::Config& config) {
    auto netlink = kernel::Rtnetlink::open();
    if (!netlink) return error_of(netlink);
    auto links = netlink->links();
    if (!links) return error_of(links);
    auto addresses = netlink->addresses();
    if (!addresses) return error_of(addresses);
    auto tables = kernel::RoutingTables::open();
    if (!tables) return error_of(tables);
    auto routing = tables->entries();
    if (!routing) return error_of(routing);
    HostState state{std::move(*links), std::move(*addresses), std::move(*routing), {}};
    if (config.virtual_servers.empty()) return state;
    // Without IPVS nobody adds a service.
    if (auto table = kernel::IpvsSocket::open()) {
        const auto services = table->services();
        if (!services) return error_of(services);
        for (const auto& one : *services) state.services.push_back(one.service.key);
    }
    return state;
}

Result<void> remove_leftovers(const HostState& before, const config::Config& config,
                              const std::set<std::string>& kept) {
    auto now = read_host_state(config);
    if (!now) return error_of(now);
    return Leftovers{before, std::move(*now), config, kept}.remove();
}

}  // namespace mainstay::cli
