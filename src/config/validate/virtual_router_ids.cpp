#include "validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory_resource>
#include <set>
#include <string>
#include <tuple>

#include "mainstay/config/keywords.hpp"

namespace mainstay::config {
namespace {

class Conflicts {
public:
    explicit Conflicts(ParseContext& r) : r_{r} {}

    void run(const Config& config) {
        std::vector<std::uint32_t> multicast;
        for (std::size_t n = 0; n < config.instances.size(); ++n) {
            const Instance& i = config.instances[n];
            if (i.virtual_router_id == 0) continue;
            if (!i.unicast_peers.empty())
                unicast(config, n);
            else if (!i.interface.empty())
                multicast.push_back(static_cast<std::uint32_t>(n));
        }
        check_multicast(config, multicast);
    }

private:
    // Side by side, for there may be tens of thousands: of equal ones the first of the file comes first.
    void check_multicast(const Config& config, std::vector<std::uint32_t>& list) {
        const auto key = [&](std::uint32_t n) {
            const Instance& i = config.instances[n];
            return Key{i.interface, i.family, i.virtual_router_id, i.multicast_group.value_or(IpAddress{})};
        };
        if (!std::ranges::is_sorted(list, {}, key)) std::ranges::stable_sort(list, {}, key);
        std::size_t first = 0;
        for (std::size_t at = 1; at < list.size(); ++at) {
            if (key(list[first]) != key(list[at]))
                first = at;
            else
                report(config, list[first], list[at],
                       fmt::format("interface {}", config.instances[list[at]].interface));
        }
    }

    void unicast(const Config& config, std::size_t n) {
        const Instance& i = config.instances[n];
        const std::string& local = *locals_.insert(i.source ? i.source->to_string() : i.interface).first;
        for (const UnicastPeer& peer : i.unicast_peers) {
            const auto [first, fresh] = unicast_.emplace(Key{local, i.family, i.virtual_router_id, peer.address}, n);
            if (fresh || first->second == n) continue;
            report(config, first->second, n, fmt::format("{} with peer {}", local, peer.address.to_string()));
            return;
        }
    }

    void report(const Config& config, std::size_t first, std::size_t second, const std::string& where) {
        const Instance& i = config.instances[second];
        auto& d = r_.diag.fatal(Code::VirtualRouterIdConflict, r_.instances[second].virtual_router_id,
                                fmt::format("{} and {} both use VRID {} with IPv{} on {}", config.instances[first].name,
                                            i.name, i.virtual_router_id, i.family == Family::V4 ? 4 : 6, where));
        d.expected = "a different number for each instance on one interface";
        d.effect = "this configuration cannot run";
    }

    using Key = std::tuple<std::string_view, Family, std::uint8_t, IpAddress>;  // the last: the group, or a peer
    ParseContext& r_;
    std::pmr::monotonic_buffer_resource pool_;
    std::pmr::map<Key, std::size_t> unicast_{&pool_};
    std::set<std::string> locals_;  // what the keys of unicast_ name
};

}  // namespace

void check_virtual_router_ids(ParseContext& r, const Config& config) { Conflicts{r}.run(config); }

void check_ipvlan(ParseContext& r, InstanceDraft& draft) {
    Instance& i = draft.model;
    const auto is_ipvlan = [](const Section& section) { return section.keyword == keyword::use_ipvlan; };
    Section& line = *std::ranges::find_if(i.more.edit().sections, is_ipvlan);
    const auto address = value_of<Prefix>(line.values, keyword::address);
    const bool is_other = address && address->address.family() != i.family;
    if (!is_other && (address || i.family != Family::V4)) return;
    auto& d =
        r.diag.error(is_other ? Code::FamilyMismatch : Code::DeviceWithoutAddress, draft.name,
                     is_other ? fmt::format("({}) the address {} of use_ipvlan is not of the family of the instance",
                                            i.name, address->to_string())
                              : fmt::format("({}) use_ipvlan needs an address for IPv4", i.name));
    d.effect = i.family == Family::V4 ? "the instance stays in FAULT" : "the address is ignored";
    d.fix = "write `use_ipvlan ADDRESS/LENGTH`, with another address than the director's own";
    if (is_other) drop_value(line.values, keyword::address);
}

void check_vmac_names(ParseContext& r, Config& config) {
    std::map<std::string, std::size_t> names;
    for (std::size_t n = 0; n < config.instances.size(); ++n) {
        Instance& i = config.instances[n];
        if (!i.vmac->enabled || i.vmac->name.empty()) continue;
        const auto [first, fresh] = names.emplace(i.vmac->name, n);
        if (fresh) continue;
        auto& d = r.diag.error(Code::DuplicateName, r.instances[n].vmac,
                               fmt::format("({}) the name {} is already used by the VMAC of {}", i.name, i.vmac->name,
                                           config.instances[first->second].name));
        d.effect = "the name is ignored";
        d.fix = "each VMAC needs a different name; the default contains the virtual_router_id";
        i.vmac.edit().name.clear();
    }
}

}  // namespace mainstay::config
