#include "links.hpp"

#include <algorithm>

#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/settings.hpp"
#include "mainstay/vrrp/statics.hpp"

namespace mainstay::role {

vrrp::VirtualMac mac_of(const kernel::Link& link) {
    vrrp::VirtualMac mac{};
    for (std::size_t n = 0; n < mac.size() && n < link.hardware_address.size(); ++n)
        mac[n] = std::to_integer<std::uint8_t>(link.hardware_address[n]);
    return mac;
}

vrrp::ExistingLink existing(const kernel::Link& link) {
    return {link.name, link.index, link.parent, link.kind, link.private_macvlan, mac_of(link)};
}

std::vector<vrrp::ExistingLink> existing_links(const Links& links) {
    std::vector<vrrp::ExistingLink> all;
    links.for_each([&](const kernel::Link& link) { all.push_back(existing(link)); });
    return all;
}

std::set<std::string> interfaces_of(const config::Config& config) {
    std::set<std::string> names;
    for (const auto& instance : config.instances) {
        if (const auto& device = vrrp::advert_device(instance); !device.empty()) names.insert(device);
        if (!instance.interface.empty()) names.insert(vrrp::base_interface(instance));
        for (const auto& tracked : instance.track_interfaces) names.insert(tracked.name);
        for (const auto* list : {&instance.addresses, &*instance.excluded_addresses})
            for (const auto& address : *list)
                if (!device_of(address, instance).empty()) names.insert(device_of(address, instance));
    }
    for (const auto& instance : config.instances)
        for (const auto& entry : vrrp::routing_of(instance)) names.insert(entry.devices.begin(), entry.devices.end());
    for (const std::string& device : vrrp::static_devices_of(config)) names.insert(device);
    for (const auto& group : config.sync_groups)
        for (const auto& tracked : group.track_interfaces) names.insert(tracked.name);
    return names;
}

const std::string& device_of(const config::VirtualAddress& address, const config::Instance& instance) {
    return address.dev.empty() ? instance.interface : address.dev;
}

Result<std::vector<vrrp::AddressLost>> Links::refresh(kernel::Rtnetlink& netlink) {
    auto links = netlink.links();
    if (!links) return error_of(links);
    auto addresses = netlink.addresses();
    if (!addresses) return error_of(addresses);

    if (const auto forwarding = netlink.forwarding()) {  // without IPv6 there is none
        forwarding_.clear();
        for (const auto& one : *forwarding)
            if (one.forwards) forwarding_.insert(one.interface_index);
    }

    const auto before = std::move(addresses_);
    const auto links_before = std::move(links_);
    links_.clear();
    addresses_.clear();
    for (auto& link : *links) links_.emplace(link.index, std::move(link));
    for (const auto& [index, link] : links_)
        if (const auto was = links_before.find(index); was != links_before.end())
            renamed(index, was->second.name, link.name);
    std::erase_if(former_names_, [this](const auto& former) { return !links_.contains(former.second); });
    for (auto& address : *addresses) addresses_[address.interface_index].push_back(std::move(address));

    std::vector<vrrp::AddressLost> lost;
    for (const auto& [index, list] : before)
        for (const auto& address : list) {
            const auto& now = addresses_[index];
            const bool there = std::ranges::any_of(now, [&](const auto& a) { return a.prefix == address.prefix; });
            const auto link = links_before.find(index);
            if (!there && link != links_before.end()) lost.push_back({link->second.name, address.prefix});
        }
    return lost;
}

void Links::Change::merge(Change&& later) {
    interfaces.merge(later.interfaces);
    other_mac.merge(later.other_mac);
    lost.insert(lost.end(), later.lost.begin(), later.lost.end());
    duplicates.insert(duplicates.end(), later.duplicates.begin(), later.duplicates.end());
    relabelled.insert(relabelled.end(), later.relabelled.begin(), later.relabelled.end());
}

Links::Change Links::take_from(kernel::Rtnetlink& netlink, Log& log) {
    const auto notifications = netlink.read_notifications();
    if (!notifications) {
        log.error("{}", notifications.error().text());
        return {};
    }
    auto change = take(*notifications);
    if (!change.overrun) return change;
    log.warning("netlink notifications were lost: rereading links and addresses");
    auto lost = refresh(netlink);
    if (!lost) {
        log.error("{}", lost.error().text());
        return change;
    }
    change.lost.insert(change.lost.end(), lost->begin(), lost->end());
    return change;
}

Links::Change Links::take(const std::vector<kernel::RouteNotification>& notifications) {
    Change change;
    for (const auto& notification : notifications) {
        std::visit(
            [&]<class N>(const N& n) {
                if constexpr (std::is_same_v<N, kernel::LinkChanged>) {
                    const auto found = links_.find(n.link.index);
                    if (found != links_.end() && found->second == n.link) return;
                    if (found != links_.end()) {
                        change.interfaces.insert(found->second.name);
                        renamed(n.link.index, found->second.name, n.link.name);
                    }
                    if (found != links_.end() && found->second.hardware_address != n.link.hardware_address)
                        change.other_mac.insert(n.link.name);
                    links_[n.link.index] = n.link;
                    change.interfaces.insert(n.link.name);
                } else if constexpr (std::is_same_v<N, kernel::LinkGone>) {
                    const auto name = name_of(n.index);
                    change.interfaces.insert(name);
                    // Its addresses were removed with it, not by another program.
                    std::erase_if(change.lost, [&](const auto& lost) { return lost.interface == name; });
                    links_.erase(n.index);
                    std::erase_if(former_names_, [&n](const auto& former) { return former.second == n.index; });
                    addresses_.erase(n.index);
                    forwarding_.erase(n.index);
                } else if constexpr (std::is_same_v<N, kernel::AddressAdded>) {
                    auto& list = addresses_[n.address.interface_index];
                    const auto before = std::ranges::find(list, n.address.prefix, &kernel::Address::prefix);
                    if (before != list.end() && *before == n.address) return;  // only its lifetime was renewed
                    if (before != list.end() && before->label != n.address.label)
                        change.relabelled.push_back({name_of(n.address.interface_index), n.address.prefix});
                    std::erase_if(list, [&](const auto& a) { return a.prefix == n.address.prefix; });
                    list.push_back(n.address);
                    if (n.address.dad_failed)
                        change.duplicates.push_back({name_of(n.address.interface_index), n.address.prefix});
                    change.interfaces.insert(name_of(n.address.interface_index));
                } else if constexpr (std::is_same_v<N, kernel::AddressRemoved>) {
                    std::erase_if(addresses_[n.address.interface_index],
                                  [&](const auto& a) { return a.prefix == n.address.prefix; });
                    const auto name = name_of(n.address.interface_index);
                    change.interfaces.insert(name);
                    change.lost.push_back({name, n.address.prefix});
                } else if constexpr (std::is_same_v<N, kernel::ForwardingChanged>) {
                    if (n.forwards)
                        forwarding_.insert(n.interface_index);
                    else
                        forwarding_.erase(n.interface_index);
                } else {
                    change.overrun = true;
                }
            },
            notification);
    }
    for (const auto& [borrower, lender] : lenders_)
        if (change.interfaces.contains(lender)) change.interfaces.insert(borrower);
    change.interfaces.erase(std::string{});
    return change;
}

const kernel::Link* Links::find(const std::string& name) const {
    for (const auto& [index, link] : links_)
        if (link.name == name) return &link;
    return nullptr;
}

const kernel::Link* Links::find(std::uint32_t index) const {
    const auto found = links_.find(index);
    return found == links_.end() ? nullptr : &found->second;
}

std::string Links::name_of(std::uint32_t index) const {
    const auto* link = find(index);
    return link == nullptr ? std::string{} : link->name;
}

const kernel::Link* Links::find_renamed(const std::string& former) const {
    const auto found = former_names_.find(former);
    return found == former_names_.end() ? nullptr : find(found->second);
}

const kernel::Link* Links::holder(const std::string& name, const Prefix& prefix) const {
    const auto* named = find(name);
    if (named != nullptr && holds(named->index, prefix)) return named;
    const auto* before = find_renamed(name);
    return before != nullptr && holds(before->index, prefix) ? before : named;
}

void Links::renamed(std::uint32_t index, const std::string& before, const std::string& now) {
    if (before == now) return;
    former_names_[before] = index;
    former_names_.erase(now);
}

const kernel::Address* Links::address(std::uint32_t index, const Prefix& prefix) const {
    const auto list = addresses_.find(index);
    if (list == addresses_.end()) return nullptr;
    const auto found = std::ranges::find(list->second, prefix, &kernel::Address::prefix);
    return found == list->second.end() ? nullptr : &*found;
}

void Links::set_polled(const std::string& name, std::optional<bool> up) {
    if (up)
        polled_.insert_or_assign(name, *up);
    else
        polled_.erase(name);
}

vrrp::InterfaceFact Links::fact(const std::string& name) const {
    vrrp::InterfaceFact fact;
    fact.name = name;
    const auto* link = find(name);
    if (link == nullptr) {
        if (const auto* now = find_renamed(name)) fact.renamed = now->name;
        return fact;
    }
    fact.index = link->index;
    const auto polled = polled_.find(name);
    fact.up = link->up && (polled == polled_.end() ? link->running : polled->second);
    fact.loopback = link->loopback;
    fact.mtu = link->mtu;
    add_usable(link->index, false, fact.addresses);
    const auto lender = lenders_.find(name);
    const auto* lending = lender == lenders_.end() ? nullptr : find(lender->second);
    const std::size_t own = fact.addresses.size();
    if (lending != nullptr) add_usable(lending->index, true, fact.addresses);
    fact.borrows = fact.addresses.size() != own;
    return fact;
}

void Links::add_usable(std::uint32_t index, bool v4_alone, std::vector<IpAddress>& to) const {
    const auto found = addresses_.find(index);
    if (found == addresses_.end()) return;
    // Prefers a primary address, which is likelier to stay than a VIP (usually a secondary /32).
    for (const bool secondary : {false, true})
        for (const auto& address : found->second)
            if (address.secondary == secondary && !address.tentative && (!v4_alone || address.prefix.address.is_v4()))
                to.push_back(address.prefix.address);
}

void Links::for_each(const std::function<void(const kernel::Link&)>& visit) const {
    for (const auto& [index, link] : links_) visit(link);
}

bool Links::holds(std::uint32_t index, const Prefix& prefix) const {
    const auto found = addresses_.find(index);
    return found != addresses_.end() &&
           std::ranges::find(found->second, prefix, &kernel::Address::prefix) != found->second.end();
}

bool Links::any_address(std::uint32_t index, const std::function<bool(const kernel::Address&)>& is) const {
    const auto found = addresses_.find(index);
    return found != addresses_.end() && std::ranges::any_of(found->second, is);
}

std::vector<IpAddress> Links::addresses_of(std::uint32_t index) const {
    std::vector<IpAddress> all;
    if (const auto found = addresses_.find(index); found != addresses_.end())
        for (const auto& address : found->second) all.push_back(address.prefix.address);
    return all;
}

}  // namespace mainstay::role
