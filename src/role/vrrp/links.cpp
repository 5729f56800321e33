#include "links.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/config/addresses.hpp"
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
        for (const auto& address : config::all_addresses(instance))
            if (const auto& device = config::device_of(address, instance); !device.empty()) names.insert(device);
    }
    for (const auto& instance : config.instances)
        for (const auto& entry : vrrp::routing_of(instance)) names.insert(entry.devices.begin(), entry.devices.end());
    for (const std::string& device : vrrp::static_devices_of(config)) names.insert(device);
    for (const auto& group : config.sync_groups)
        for (const auto& tracked : group.track_interfaces) names.insert(tracked.name);
    return names;
}

Result<Links::Change> Links::refresh(kernel::Rtnetlink& netlink) {
    auto links = netlink.links();
    if (!links) return error_of(links);
    auto addresses = netlink.addresses();
    if (!addresses) return error_of(addresses);

    const auto forwarding = netlink.forwarding();
    return replace(*links, *addresses, forwarding ? std::optional{*forwarding} : std::nullopt);
}

Links::Change Links::replace(const std::vector<kernel::Link>& links, const std::vector<kernel::Address>& addresses,
                             const std::optional<std::vector<kernel::ForwardingChanged>>& forwarding) {
    std::set<std::uint32_t> indexes;
    for (const auto& link : links) indexes.insert(link.index);
    std::vector<std::uint32_t> gone;
    for (const auto& [index, link] : links_)
        if (!indexes.contains(index)) gone.push_back(index);
    Change change;
    for (const auto index : gone) forget(index, change);
    for (const auto& link : links) take(link, change);

    using Place = std::pair<std::uint32_t, Prefix>;
    std::map<Place, kernel::Address> before;
    for (const auto& [index, list] : std::exchange(addresses_, {}))
        for (const auto& address : list) before.emplace(Place{index, address.prefix}, address);
    for (const auto& address : addresses) {
        const auto was = before.find({address.interface_index, address.prefix});
        take(was == before.end() ? nullptr : &was->second, address, change);
        if (was != before.end()) before.erase(was);
        addresses_[address.interface_index].push_back(address);
    }
    for (const auto& [place, address] : before) take_lost(address, change);

    if (forwarding) {
        forwarding_.clear();
        for (const auto& one : *forwarding)
            if (one.forwards) forwarding_.insert(one.interface_index);
    }
    finish(change);
    return change;
}

void Links::Change::merge(Change&& later) {
    interfaces.merge(later.interfaces);
    other_mac.merge(later.other_mac);
    lost.insert(lost.end(), later.lost.begin(), later.lost.end());
    duplicates.insert(duplicates.end(), later.duplicates.begin(), later.duplicates.end());
    relabelled.insert(relabelled.end(), later.relabelled.begin(), later.relabelled.end());
    overrun = overrun || later.overrun;
}

Links::Change Links::take_from(kernel::Rtnetlink& netlink, Log& log) {
    const auto notifications = netlink.read_notifications();
    if (!notifications) {
        log.error("{}", notifications.error().text());
        reread_ = true;
        return {};
    }
    auto change = take(*notifications);
    if (std::exchange(change.overrun, false)) reread_ = true;
    if (!reread_) return change;
    log.warning("netlink notifications were lost: rereading links and addresses");
    auto now = refresh(netlink);
    if (!now) {
        log.error("{}", now.error().text());
        return change;
    }
    reread_ = false;
    ++losses_;
    for (auto& [index, known] : links_) ++known.times_up;
    change.merge(std::move(*now));
    change.overrun = true;
    return change;
}

Links::Change Links::take(const std::vector<kernel::RouteNotification>& notifications) {
    Change change;
    for (const auto& notification : notifications) {
        std::visit(
            [&]<class N>(const N& n) {
                if constexpr (std::is_same_v<N, kernel::LinkChanged>) {
                    take(n.link, change);
                } else if constexpr (std::is_same_v<N, kernel::LinkGone>) {
                    forget(n.index, change);
                } else if constexpr (std::is_same_v<N, kernel::AddressAdded>) {
                    auto& list = addresses_[n.address.interface_index];
                    const auto before = std::ranges::find(list, n.address.prefix, &kernel::Address::prefix);
                    const bool known = before != list.end();
                    if (!take(known ? &*before : nullptr, n.address, change)) return;
                    if (known) list.erase(before);
                    list.push_back(n.address);
                } else if constexpr (std::is_same_v<N, kernel::AddressRemoved>) {
                    std::erase_if(addresses_[n.address.interface_index],
                                  [&](const auto& a) { return a.prefix == n.address.prefix; });
                    take_lost(n.address, change);
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
    finish(change);
    return change;
}

void Links::finish(Change& change) const {
    for (const auto& [borrower, lender] : lenders_)
        if (change.interfaces.contains(lender)) change.interfaces.insert(borrower);
    change.interfaces.erase(std::string{});
}

bool Links::take(const kernel::Address* before, const kernel::Address& now, Change& change) const {
    if (before != nullptr && *before == now) return false;  // only its lifetime was renewed
    const auto name = name_of(now.interface_index);
    if (before != nullptr && before->label != now.label) change.relabelled.push_back({name, now.prefix});
    if (now.dad_failed) change.duplicates.push_back({name, now.prefix});
    change.interfaces.insert(name);
    return true;
}

void Links::take_lost(const kernel::Address& address, Change& change) const {
    const auto name = name_of(address.interface_index);
    change.interfaces.insert(name);
    change.lost.push_back({name, address.prefix});
}

void Links::take(const kernel::Link& link, Change& change) {
    const auto [found, is_new] = links_.try_emplace(link.index, Known{.link = {}, .appearance = gone_});
    auto& [known, appearance, times_up] = found->second;
    if (!is_new) {
        if (known == link) return;
        change.interfaces.insert(known.name);
        forget_name(known);
        renamed(link.index, known.name, link.name);
        if (known.hardware_address != link.hardware_address) change.other_mac.insert(link.name);
    }
    const auto works = [](const kernel::Link& one) { return one.up && one.running; };
    if (works(link) && !works(known)) ++times_up;
    known = link;
    by_name_[link.name] = link.index;
    change.interfaces.insert(link.name);
}

void Links::forget(std::uint32_t index, Change& change) {
    const auto name = name_of(index);
    change.interfaces.insert(name);
    // Its addresses were removed with it, not by another program.
    std::erase_if(change.lost, [&](const auto& lost) { return lost.interface == name; });
    if (const auto* link = find(index); link != nullptr) forget_name(*link);
    links_.erase(index);
    std::erase_if(former_names_, [index](const auto& former) { return former.second == index; });
    addresses_.erase(index);
    forwarding_.erase(index);
    ++gone_;
}

const kernel::Link* Links::find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : find(found->second);
}

const kernel::Link* Links::find(std::uint32_t index) const {
    const auto found = links_.find(index);
    return found == links_.end() ? nullptr : &found->second.link;
}

Links::Identity Links::identity(const std::string& name) const {
    const auto* link = find(name);
    return link == nullptr ? Identity{} : Identity{link->index, links_.at(link->index).appearance, losses_};
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

void Links::forget_name(const kernel::Link& link) {
    const auto known = by_name_.find(link.name);
    if (known != by_name_.end() && known->second == link.index) by_name_.erase(known);  // else another has it by now
}

void Links::renamed(std::uint32_t index, const std::string& before, const std::string& now) {
    if (before == now) return;
    former_names_[before] = index;
    // Where two exchange their names, each has what was set under its former one.
    if (const auto own = former_names_.find(now); own != former_names_.end() && own->second == index)
        former_names_.erase(own);
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
    if (const auto* former = find_renamed(name); former != nullptr && former != link) fact.renamed = former->name;
    if (link == nullptr) return fact;
    fact.index = link->index;
    fact.appearance = links_.at(link->index).appearance;
    fact.times_up = links_.at(link->index).times_up;
    const auto polled = polled_.find(name);
    fact.up = link->up && (polled == polled_.end() ? link->running : polled->second);
    fact.loopback = link->loopback;
    fact.multicast = link->multicast;
    fact.mtu = link->mtu;
    add_usable(link->index, false, fact.addresses);
    fact.tentative = any_address(link->index, [](const auto& a) { return a.tentative && !a.dad_failed; });
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
    for (const auto& [index, known] : links_) visit(known.link);
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
