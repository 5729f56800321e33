#include "addresses.hpp"

#include <algorithm>

#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "mainstay/netlink/routing.hpp"
#include "mainstay/vrrp/holdings.hpp"
#include "mainstay/vrrp/statics.hpp"
#include "routing.hpp"

namespace mainstay::role {

namespace keyword = config::keyword;

namespace {

// The preferred lifetime in seconds; none: unlimited, the kernel's default.
std::optional<std::uint32_t> preferred_lifetime(const config::VirtualAddress& address) {
    const auto& words = address.more->values;
    if (!address.prefix.address.is_v6()) return std::nullopt;
    if (const auto given = config::value_of(words, keyword::preferred_lft))
        return static_cast<std::uint32_t>(std::chrono::duration_cast<Seconds>(*given).count());
    if (config::is_given(words, keyword::preferred_lft)) return std::nullopt;  // forever
    // keepalived: an IPv6 VIP as /128 is never chosen as a source by itself
    return address.prefix.length == 128 ? std::optional<std::uint32_t>{0} : std::nullopt;
}

}  // namespace

kernel::Address address_request(const config::VirtualAddress& address, std::uint32_t interface_index) {
    const auto has = [&](const config::KeywordName& word) { return config::is_given(address.more->values, word); };
    return {.interface_index = interface_index,
            .prefix = address.prefix,
            .label = address.label,
            .broadcast = vrrp::broadcast_of(address),
            .scope = address.scope,
            .nodad = !has(keyword::nodad),
            .noprefixroute = address.noprefixroute,
            .peer = config::value_of(address.more->values, keyword::peer),
            .home = has(keyword::home),
            .manages_temporary = has(keyword::mngtmpaddr),
            .joins_group = has(keyword::autojoin),
            .preferred_lifetime = preferred_lifetime(address),
            .protocol = netlink::kProtocolKeepalived};
}

std::vector<kernel::Address> restore_request(const config::Instance& instance, const vrrp::RestoreAddress& wanted,
                                             const Links& links) {
    auto requests = address_requests(instance, {}, links);
    const auto* link = links.find(wanted.interface);
    std::erase_if(requests, [&](const kernel::Address& request) {
        return link == nullptr || request.prefix != wanted.prefix || request.interface_index != link->index;
    });
    return requests;
}

bool is_duplicate(const std::vector<kernel::Address>& restored, const Links& links) {
    return std::ranges::any_of(restored, [&](const kernel::Address& request) {
        const auto* there = links.address(request.interface_index, request.prefix);
        return there != nullptr && there->dad_failed;
    });
}

bool set_again(kernel::Rtnetlink& netlink, const std::vector<kernel::Address>& restored,
               const vrrp::RestoreAddress& wanted, Log& log) {
    const auto failed = netlink.add(restored);
    if (failed && !failed->empty())
        log.error("address {} on {} cannot be set again: {}", wanted.prefix.to_string(), wanted.interface,
                  failed->front().reason());
    return !restored.empty() && failed && failed->empty();
}

std::vector<kernel::Address> removal_requests(const std::vector<vrrp::HeldAddress>& addresses, const Links& links) {
    std::vector<kernel::Address> requests;
    for (const auto& held : addresses) {
        const auto* link = links.holder(held.interface, held.prefix);
        if (link == nullptr) continue;
        const auto* there = links.address(link->index, held.prefix);
        requests.push_back({.interface_index = link->index,
                            .prefix = held.prefix,
                            .peer = there != nullptr ? there->peer : std::nullopt});
    }
    // Addresses with noprefixroute are removed first: the kernel keeps the route of a prefix while another address of
    // it exists, and removing one with noprefixroute does not check the route.
    std::ranges::stable_partition(requests, [&](const kernel::Address& request) {
        const auto* there = links.address(request.interface_index, request.prefix);
        return there != nullptr && there->noprefixroute && request.prefix.address.is_v6();
    });
    return requests;
}

std::vector<kernel::Address> first_sources(const config::Config& next, const Links& links) {
    std::vector<kernel::Address> requests;
    for (const auto& entry : vrrp::static_addresses_of(next)) {
        const auto* link = links.find(entry.address.dev);
        const Family family = entry.address.prefix.address.family();
        if (link != nullptr && !links.any_address(link->index, [family](const kernel::Address& there) {
                return there.prefix.address.family() == family;
            }))
            requests.push_back(address_request(entry.address, link->index));
    }
    return requests;
}

Result<std::vector<kernel::Rtnetlink::Failure>> remove_from_host(kernel::Rtnetlink& netlink,
                                                                 const std::vector<kernel::Address>& requests,
                                                                 const Links& links, Log& log,
                                                                 const std::function<void()>& update_links) {
    const PromotedSecondaries others_stay{requests, links, log};
    const LeftRoutes their_routes_go{requests, links, log};
    auto failed = netlink.remove(requests);
    update_links();
    return failed;
}

std::vector<kernel::Address> address_requests(const config::Instance& instance,
                                              const std::vector<std::size_t>& positions, const Links& links) {
    std::vector<kernel::Address> requests;
    std::size_t position = 0;
    for (const auto& address : config::all_addresses(instance)) {
        const bool chosen = positions.empty() || std::ranges::find(positions, position) != positions.end();
        ++position;
        const auto* link = chosen ? links.find(config::device_of(address, instance)) : nullptr;
        if (link == nullptr) continue;
        requests.push_back(address_request(address, link->index));
    }
    return requests;
}

std::vector<vrrp::HeldAddress> wrongly_labelled(const std::vector<vrrp::HeldAddress>& relabelled,
                                                const vrrp::Router& router, const Links& links) {
    if (relabelled.empty()) return {};
    std::vector<kernel::Address> wanted;
    const auto want = [&](const std::string& device, const config::VirtualAddress& address) {
        const auto* link = links.find(device);
        if (link == nullptr) return;
        wanted.push_back(address_request(address, link->index));
        if (wanted.back().label.empty()) wanted.back().label = link->name;  // as the kernel does
    };
    for (const auto& entry : vrrp::static_addresses_of(router.config())) want(entry.address.dev, entry.address);
    const auto state = router.snapshot();
    for (std::size_t id = 0; id < state.instances.size(); ++id) {
        const auto& instance = router.config().instances[id];
        if (!state.instances[id].owns_addresses) continue;
        for (const auto& address : config::all_addresses(instance))
            if (!address.no_track) want(config::device_of(address, instance), address);
    }
    std::vector<vrrp::HeldAddress> wrong;
    for (const vrrp::HeldAddress& held : relabelled) {
        const auto* link = links.find(held.interface);
        const auto* there = link == nullptr ? nullptr : links.address(link->index, held.prefix);
        if (there == nullptr || std::ranges::find(wrong, held) != wrong.end()) continue;
        if (std::ranges::any_of(wanted, [&](const kernel::Address& request) {
                return request.interface_index == link->index && request.prefix == held.prefix &&
                       request.label != there->label;
            }))
            wrong.push_back(held);
    }
    return wrong;
}

namespace {

// Whether a secondary address that stays is in the subnet of a primary address that is removed.
bool takes_others_along(const kernel::Address& removal, const std::vector<kernel::Address>& removals,
                        const Links& links) {
    const auto* there = links.address(removal.interface_index, removal.prefix);
    if (there == nullptr || there->secondary) return false;
    const auto subnet = netlink::without_host_bits(removal.prefix);
    return links.any_address(removal.interface_index, [&](const kernel::Address& other) {
        return other.secondary && netlink::without_host_bits(other.prefix) == subnet &&
               std::ranges::none_of(removals, [&](const kernel::Address& r) {
                   return r.interface_index == removal.interface_index && r.prefix == other.prefix;
               });
    });
}

}  // namespace

std::string promotion_of(const std::string& interface) { return "net/ipv4/conf/" + interface + "/promote_secondaries"; }

PromotedSecondaries::PromotedSecondaries(const std::vector<kernel::Address>& removals, const Links& links, Log& log)
    : log_{log} {
    for (const auto& removal : removals) {
        if (!takes_others_along(removal, removals, links)) continue;
        const auto* link = links.find(removal.interface_index);
        if (link == nullptr) continue;
        std::string setting = promotion_of(link->name);
        const auto now = kernel::read_sysctl_number(setting);
        if (!now || *now != 0) continue;
        if (const auto done = kernel::write_sysctl(setting, "1"); !done)
            log_.warning("{}", done.error().text());
        else
            changed_.push_back(std::move(setting));
    }
}

PromotedSecondaries::~PromotedSecondaries() {
    for (const auto& setting : changed_)
        if (const auto done = kernel::write_sysctl(setting, "0"); !done) log_.warning("{}", done.error().text());
}

}  // namespace mainstay::role
