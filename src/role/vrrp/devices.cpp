#include "devices.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>
#include <utility>

#include "addresses.hpp"
#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "mainstay/vrrp/statics.hpp"

namespace mainstay::role {

namespace {

constexpr std::uint16_t kEthernet = 1;  // ARPHRD_ETHER
constexpr std::string_view kAllRpFilter = "net/ipv4/conf/all/rp_filter";
constexpr std::uint8_t kLinkLocalLength = 64;
constexpr std::string_view kLocalIgmp = "net/ipv4/igmp_link_local_mcast_reports";

kernel::NewLink request_for(const vrrp::WantedDevice& device, const kernel::Link& parent) {
    kernel::NewLink request;
    request.name = device.name;
    request.parent = parent.index;
    request.group = interface_group(device.group).value_or(parent.group);
    if (device.kind == vrrp::WantedDevice::Kind::Vmac) {
        request.kind = kernel::NewLink::Kind::PrivateMacvlan;
        auto& mac = request.hardware_address.emplace();
        std::ranges::transform(device.mac, mac.begin(), [](std::uint8_t octet) { return std::byte{octet}; });
    } else {
        request.kind = kernel::NewLink::Kind::Ipvlan;
        request.ipvlan_mode = static_cast<kernel::NewLink::IpvlanMode>(device.mode);
    }
    return request;
}

bool is_ipv4_vmac(const vrrp::WantedDevice& device) {
    return device.kind == vrrp::WantedDevice::Kind::Vmac && device.family == Family::V4;
}

}  // namespace

std::optional<std::uint32_t> interface_group(const std::string& text) {
    std::uint32_t number = 0;
    const auto parse = [&number](std::string_view word) {
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        return error == std::errc{} && end == word.data() + word.size();
    };
    if (text.empty()) return std::nullopt;
    if (parse(text)) return number;
    std::ifstream file{"/etc/iproute2/group"};
    for (std::string line; std::getline(file, line);) {
        std::istringstream words{line};
        std::string first, name;
        if (words >> first >> name && name == text && parse(first)) return number;
    }
    return std::nullopt;
}

void VrrpDevices::adopt(const report::VrrpStatus& previous) {
    settings_.adopt(previous.saved_settings);
    ours_.insert(previous.devices.begin(), previous.devices.end());
}

void VrrpDevices::adopt_found() {
    for (auto& device : wanted_)
        if (std::exchange(device.found, false)) ours_.insert(device.name);
}

void VrrpDevices::complain(const std::string& device, const std::string& text) {
    if (complained_.insert(device).second) log_.error("{}", text);
}

kernel::LinkMaker* VrrpDevices::maker_for(const std::string& device) {
    if (maker_) return &*maker_;
    auto opened = kernel::LinkMaker::open();
    if (opened) return &maker_.emplace(std::move(*opened));
    complain(device, opened.error().text());
    return nullptr;
}

config::Config VrrpDevices::plan(config::Config config, Links& links) {
    std::set<std::string> found;
    for (const auto& device : wanted_)
        if (device.found) found.insert(device.name);
    auto made = ours_;
    std::erase_if(made, [&](const std::string& name) { return found.contains(name); });
    promoted_.clear();
    for (const auto& instance : config.instances)
        if (!instance.vmac->enabled && config::is_given(instance.more->values, config::keyword::promote_secondaries))
            promoted_.emplace(instance.interface, Links::Identity{});
    auto plan = vrrp::plan_devices(std::move(config), existing_links(links), made, found);
    for (const auto& line : plan.lines) log_.line(line);
    for (const auto& device : plan.devices)
        if (!device.group.empty() && !interface_group(device.group))
            log_.warning("({}) interface group {} is not in /etc/iproute2/group: {} gets the group of {}",
                         device.instance, device.group, device.name, device.parent);
    wanted_ = std::move(plan.devices);
    virtuals_before_ = std::exchange(virtuals_, {});
    for (const auto& instance : plan.config.instances)
        for (const auto& address : config::all_addresses(instance)) virtuals_.push_back(address.prefix.address);
    for (const auto& entry : vrrp::static_addresses_of(plan.config)) virtuals_.push_back(entry.address.prefix.address);
    std::ranges::sort(virtuals_);
    virtuals_.shrink_to_fit();
    complained_.clear();
    prepared_.clear();
    kept_down_.clear();
    unneeded_.clear();
    no_local_igmp_ = config::flag(plan.config.global.more->values, config::keyword::disable_local_igmp);

    std::map<std::string, std::string> lenders;  // adverts leave an IPv4 VMAC with an address of its parent
    for (const auto& device : wanted_)
        if (is_ipv4_vmac(device)) lenders.emplace(device.name, device.parent);
    links.lend(std::move(lenders));
    promote(links);
    return std::move(plan.config);
}

bool VrrpDevices::keep(const Links& links, kernel::Rtnetlink& netlink) {
    promote(links);
    if (wanted_.empty()) return false;
    if (make_way(links)) return true;
    bool changed = false;
    for (const auto& device : wanted_) {
        const auto* parent = links.find(device.parent);
        if (parent == nullptr) continue;  // it is created when its parent appears
        if (parent->hardware_type != kEthernet) {
            complain(device.name, fmt::format("({}) {} cannot be created: {} is not an Ethernet interface",
                                              device.instance, device.name, device.parent));
            continue;
        }
        changed = make(device, *parent, links, netlink) || changed;
    }
    return changed;
}

bool VrrpDevices::make_way(const Links& links) {
    bool changed = false;
    std::vector<const vrrp::WantedDevice*> other_mac;
    for (const auto& name : std::set<std::string>{ours_}) {
        const auto* link = links.find(name);
        if (link == nullptr) continue;
        const auto wanted = std::ranges::find(wanted_, name, &vrrp::WantedDevice::name);
        const auto* parent = wanted == wanted_.end() ? nullptr : links.find(wanted->parent);
        if (parent != nullptr && vrrp::serves_as(existing(*link), *wanted, existing(*parent))) continue;
        if (parent != nullptr && wanted->kind == vrrp::WantedDevice::Kind::Vmac && link->private_macvlan &&
            link->parent == vrrp::carrier_of(wanted->kind, existing(*parent))) {
            other_mac.push_back(&*wanted);
        } else if (parent != nullptr || in_the_way(name, links)) {
            remove(name, links);
            changed = true;
        }
    }
    return change_macs(std::move(other_mac), links) || changed;
}

// Two macvlans of one MAC address cannot be up on one parent.
bool VrrpDevices::in_the_way(const std::string& name, const Links& links) const {
    const auto link = existing(*links.find(name));
    return std::ranges::any_of(wanted_, [&](const vrrp::WantedDevice& device) {
        const auto* parent = links.find(device.parent);
        return device.name != name && device.kind == vrrp::WantedDevice::Kind::Vmac && parent != nullptr &&
               link.parent == vrrp::carrier_of(device.kind, existing(*parent)) && link.mac == device.mac;
    });
}

// The kernel refuses a MAC address that another device still has, even if that device is about to get another one.
// Devices that exchange their addresses are created again.
bool VrrpDevices::change_macs(std::vector<const vrrp::WantedDevice*> devices, const Links& links) {
    if (devices.empty() || maker_for(devices.front()->name) == nullptr) return false;
    const auto set = [&](const vrrp::WantedDevice* device) {
        kernel::LinkSettings settings{.index = links.find(device->name)->index};
        auto& mac = settings.hardware_address.emplace();
        std::ranges::transform(device->mac, mac.begin(), [](std::uint8_t octet) { return std::byte{octet}; });
        if (!maker_->set(settings)) return false;
        log_.info("({}) MAC address of {} changed to {:02x}", device->instance, device->name,
                  fmt::join(device->mac, ":"));
        return true;
    };
    while (std::erase_if(devices, set) != 0) {
    }
    for (const auto* device : devices) remove(device->name, links);
    return true;
}

namespace {

// The index of the VRF to which it belongs; 0: none.
std::uint32_t vrf_of(const kernel::Link& link, const Links& links) {
    const auto* master = links.find(link.master);
    return master != nullptr && master->kind == "vrf" ? link.master : 0;
}

}  // namespace

bool VrrpDevices::make(const vrrp::WantedDevice& device, const kernel::Link& parent, const Links& links,
                       kernel::Rtnetlink& netlink) {
    if (maker_for(device.name) == nullptr) return false;
    const auto* link = links.find(device.name);
    if (link != nullptr && !vrrp::serves_as(existing(*link), device, existing(parent))) {
        complain(device.name, fmt::format("({}) {} cannot be created: another interface has this name", device.instance,
                                          device.name));
        return false;
    }
    const bool fresh = link == nullptr;
    std::uint32_t index = fresh ? 0 : link->index;
    if (fresh) {
        prepared_.erase(device.name);
        prepare_host(links);
        if (auto done = maker_->make(request_for(device, parent)); !done) {
            complain(device.name, fmt::format("({}) {}", device.instance, done.error().text()));
            return false;
        }
        index = kernel::interface_index(device.name);
        if (made_.contains(device.name)) ++remade_;
        if (made_.contains(device.name))
            log_.warning("({}) {} was removed by another program: created again", device.instance, device.name);
        else
            log_.info("({}): Success creating {} interface {}", device.instance,
                      device.kind == vrrp::WantedDevice::Kind::Vmac ? "VMAC" : "ipvlan", device.name);
    }
    ours_.insert(device.name);
    made_.insert(device.name);
    bool changed = fresh;
    const auto place = place_of(device, index, parent, links);
    if (const auto known = places_.find(device.name); known == places_.end() || known->second != place) {
        places_.insert_or_assign(device.name, place);
        if (before_up_ && device.kind == vrrp::WantedDevice::Kind::Vmac) before_up_();
    }
    const auto below = links.identity(parent.name);
    if (const auto known = prepared_.find(device.name); known == prepared_.end() || known->second != below) {
        prepared_.insert_or_assign(device.name, below);
        if (!fresh) prepare_host(links);
        if (auto done = configure(device, parent, index, fresh, links); !done)
            complain(device.name, fmt::format("({}) {}: {}", device.instance, device.name, done.error().text()));
        changed = true;
    }
    if (follow_vrf(device, index, parent, links)) changed = true;
    return add_addresses(device, index, parent, links, netlink) || changed;
}

// A device belongs to the VRF of the interface below it, which may enter or leave one at any time.
bool VrrpDevices::follow_vrf(const vrrp::WantedDevice& device, std::uint32_t index, const kernel::Link& parent,
                             const Links& links) {
    const auto* there = links.find(index);
    const std::uint32_t wanted = vrf_of(parent, links);
    if (there == nullptr || there->master == wanted) return false;
    if (there->master != 0 && vrf_of(*there, links) == 0) return false;  // somebody put it into a bridge or bond
    if (auto done = maker_->set({.index = index, .master = wanted}); !done) {
        complain(device.name, fmt::format("({}) {}: {}", device.instance, device.name, done.error().text()));
        return false;
    }
    log_.info("({}) {} follows {} {}", device.instance, device.name, parent.name,
              wanted == 0 ? std::string{"out of its VRF"} : "into the VRF " + links.find(wanted)->name);
    return true;
}

Result<void> VrrpDevices::configure(const vrrp::WantedDevice& device, const kernel::Link& parent, std::uint32_t index,
                                    bool fresh, const Links& links) {
    if (fresh && device.kind == vrrp::WantedDevice::Kind::Vmac)
        if (auto done = maker_->set({.index = index, .no_generated_address = true}); !done) return done;
    for (const auto& setting : vrrp::device_settings(device)) {
        const auto done = kernel::keep_sysctl(setting.name, setting.value);
        // NotFound: the kernel has no IPv6.
        if (!done && done.error().code() != Errc::NotFound) log_.warning("{}", done.error().text());
    }
    if (auto done = set_mode(device, parent, index, fresh, links); !done) return done;
    if (!fresh && !device.found)
        for (const auto& setting : vrrp::default_settings(device)) restore_default(setting);
    for (const auto& setting : vrrp::parent_settings(device)) settings_.set(setting.name, setting.value);
    if (auto done = filters_nothing(device); !done) {
        kept_down_.insert_or_assign(device.name, done.error().text());
        const auto* there = links.find(index);
        if (there != nullptr && there->up)
            if (auto down = maker_->set({.index = index, .up = false}); !down) return down;
        return done;
    }
    kept_down_.erase(device.name);
    if (const auto vrf = vrf_of(parent, links); fresh && vrf != 0)
        if (auto done = maker_->set({.index = index, .master = vrf}); !done) return done;
    if (auto done = maker_->set({.index = index, .up = true}); !done) return done;
    const std::uint32_t group = interface_group(device.group).value_or(parent.group);
    const auto* there = fresh ? nullptr : links.find(index);
    if (!device.notifies && (there == nullptr || there->group == group)) return {};
    return maker_->set({.index = index, .group = group});
}

// With a reverse path filter the kernel drops the adverts that arrive at a VMAC, which has no address in their subnet:
// its instance would be MASTER beside another one.
Result<void> VrrpDevices::filters_nothing(const vrrp::WantedDevice& device) {
    if (!is_ipv4_vmac(device)) return {};
    for (const std::string& interface : {std::string{"all"}, device.name}) {
        const auto filter = kernel::read_sysctl_number("net/ipv4/conf/" + interface + "/rp_filter");
        if (!filter || *filter == 0) continue;
        const std::string problem =
            fmt::format("net.ipv4.conf.{}.rp_filter is {} and cannot be changed", interface, *filter);
        if (device.hears_adverts)
            return fail(
                Errc::State,
                fmt::format("it stays down: {}, so that adverts of other directors would be dropped there and two "
                            "could be MASTER. Set it to 0 (on the host, or for a container with a network of its "
                            "own by --sysctl net.ipv4.conf.{}.rp_filter=0) or use vmac_xmit_base, then reload",
                            problem, interface));
        log_.warning("({}) {}: {}: packets to its addresses may be dropped", device.instance, device.name, problem);
        break;
    }
    return {};
}

std::vector<report::DeviceKeptDown> VrrpDevices::kept_down() const {
    std::vector<report::DeviceKeptDown> list;
    for (const auto& [name, reason] : kept_down_) list.push_back({name, reason});
    return list;
}

// An ipvlan is created with its mode, unless its parent has other ipvlans, whose mode it takes over.
Result<void> VrrpDevices::set_mode(const vrrp::WantedDevice& device, const kernel::Link& parent, std::uint32_t index,
                                   bool fresh, const Links& links) {
    if (device.kind != vrrp::WantedDevice::Kind::Ipvlan) return {};
    const auto carrier = vrrp::carrier_of(device.kind, existing(parent));
    bool others = false;
    links.for_each([&](const kernel::Link& link) {
        others = others || (link.kind == "ipvlan" && link.parent == carrier && link.index != index);
    });
    const auto known = modes_.find(device.name);
    const bool is_set = fresh ? !others : known != modes_.end() && known->second == device.mode;
    modes_.insert_or_assign(device.name, device.mode);
    if (is_set) return {};
    return maker_->set({.index = index, .ipvlan_mode = static_cast<kernel::NewLink::IpvlanMode>(device.mode)});
}

// What a new interface would have: an earlier configuration may have set something else on this device.
void VrrpDevices::restore_default(const std::string& setting) {
    const auto device_begin = setting.find("/conf/") + 6;
    std::string of_new = setting;
    of_new.replace(device_begin, setting.rfind('/') - device_begin, "default");
    const auto usual = kernel::read_sysctl(of_new);
    const auto now = kernel::read_sysctl(setting);
    if (!usual || !now || *now == *usual) return;  // none of both: the kernel has no IPv6
    if (const auto done = kernel::write_sysctl(setting, *usual); !done) log_.warning("{}", done.error().text());
}

// The addresses of an interface that are not virtual ones, of this configuration or of the one before.
std::vector<IpAddress> VrrpDevices::own_addresses(const Links& links, std::uint32_t index) const {
    auto own = links.addresses_of(index);
    std::erase_if(own, [&](const IpAddress& address) {
        return std::ranges::binary_search(virtuals_, address) || std::ranges::binary_search(virtuals_before_, address);
    });
    return own;
}

// A configured source that the parent does not have is the VMAC's alone: it answers for it.
vrrp::IndexedDevice VrrpDevices::place_of(const vrrp::WantedDevice& device, std::uint32_t index,
                                          const kernel::Link& parent, const Links& links) const {
    vrrp::IndexedDevice place{index, parent.index, device.family, device.name};
    if (device.kind != vrrp::WantedDevice::Kind::Vmac || device.family != Family::V6) return place;
    const auto of_parent = own_addresses(links, parent.index);
    if (!device.source || std::ranges::find(of_parent, *device.source) != of_parent.end())
        place.link_local = vrrp::link_local_of(device, of_parent, mac_of(parent)).address;
    return place;
}

bool VrrpDevices::add_addresses(const vrrp::WantedDevice& device, std::uint32_t index, const kernel::Link& parent,
                                const Links& links, kernel::Rtnetlink& netlink) {
    std::vector<kernel::Address> missing;
    const auto want = [&](const Prefix& prefix, bool deprecated) {
        if (!links.holds(index, prefix))
            missing.push_back({.interface_index = index, .prefix = prefix, .deprecated = deprecated});
    };
    if (device.kind == vrrp::WantedDevice::Kind::Vmac && device.family == Family::V6) {
        const auto link_local = vrrp::link_local_of(device, own_addresses(links, parent.index), mac_of(parent));
        const bool has_one = std::ranges::any_of(own_addresses(links, index), &IpAddress::is_link_local_v6);
        if (device.link_local && !has_one) want(link_local, true);
        // From now on adverts are sent from the parent; the VMAC keeps the address until the router has the new
        // configuration.
        if (!device.link_local && links.holds(index, link_local))
            unneeded_.push_back({.interface_index = index, .prefix = link_local});
    }
    // What a VMAC has from the time when it was an IPv6 instance's: addresses that are set for that are deprecated.
    if (device.kind == vrrp::WantedDevice::Kind::Vmac && device.family == Family::V4)
        for (const IpAddress& address : own_addresses(links, index)) {
            const auto* there = links.address(index, {address, kLinkLocalLength});
            if (address.is_link_local_v6() && there != nullptr && there->deprecated) unneeded_.push_back(*there);
        }
    if (device.address) want(*device.address, false);
    if (missing.empty()) return false;
    const auto failed = netlink.add(missing);
    if (failed && failed->empty()) return true;
    complain(device.name, fmt::format("({}) {}: the address {} cannot be set: {}", device.instance, device.name,
                                      missing.front().prefix.to_string(),
                                      failed ? failed->front().reason() : failed.error().text()));
    return false;
}

// The kernel uses the maximum of all.rp_filter and the interface's own value: 0 on a VMAC requires all.rp_filter = 0.
// The other interfaces get the former value of all.rp_filter as their own.
void VrrpDevices::prepare_host(const Links& links) {
    if (std::ranges::none_of(wanted_, is_ipv4_vmac)) return;
    if (no_local_igmp_) settings_.set(std::string{kLocalIgmp}, "0");
    const auto all = kernel::read_sysctl_number(kAllRpFilter);
    if (!all || *all == 0) return;
    // What it is already: where that cannot be written (/proc/sys is read-only), the other interfaces stay as they are.
    if (!kernel::write_sysctl(kAllRpFilter, std::to_string(*all))) return;  // filters_nothing() says what comes of it
    const auto raise = [&](const std::string& name) {
        const std::string setting = "net/ipv4/conf/" + name + "/rp_filter";
        const auto now = kernel::read_sysctl_number(setting);
        if (!now || *now >= *all) return;
        if (settings_.set(setting, std::to_string(*all)) && name == "default")
            log_.notice("NOTICE: setting sysctl net.ipv4.conf.default.rp_filter from {} to {}", *now, *all);
    };
    raise("default");
    links.for_each([&](const kernel::Link& link) {
        if (!ours_.contains(link.name)) raise(link.name);
    });
    if (settings_.set(std::string{kAllRpFilter}, "0"))
        log_.notice("NOTICE: setting sysctl net.ipv4.conf.all.rp_filter from {} to 0", *all);
}

// Once for each interface that appears, because a new one has the kernel's default.
void VrrpDevices::promote(const Links& links) {
    for (auto& [name, has_it] : promoted_) {
        const auto now = links.identity(name);
        if (std::exchange(has_it, now) != now && now.index != 0) settings_.set(promotion_of(name), "1");
    }
}

void VrrpDevices::put_back_settings() {
    const bool any = std::ranges::any_of(wanted_, is_ipv4_vmac);
    std::set<std::string> needed;
    for (const auto& device : wanted_)
        for (const auto& setting : vrrp::parent_settings(device)) needed.insert(setting.name);
    settings_.restore([&](const std::string& name) {
        if (name.ends_with("/promote_secondaries"))
            return std::ranges::none_of(promoted_, [&](const auto& one) { return name == promotion_of(one.first); });
        if (name == kLocalIgmp) return !any || !no_local_igmp_;
        return name.ends_with("/rp_filter") ? !any : !needed.contains(name);
    });
}

void VrrpDevices::remove(const std::string& name, const Links& links) {
    const auto* link = links.find(name);
    if (auto* maker = link == nullptr ? nullptr : maker_for(name); maker != nullptr)
        if (const auto done = maker->remove(link->index); !done)
            log_.warning("{} cannot be removed: {}", name, done.error().text());
    ours_.erase(name);
    made_.erase(name);
    prepared_.erase(name);
    places_.erase(name);
    modes_.erase(name);
}

std::vector<vrrp::IndexedDevice> VrrpDevices::vmacs() const {
    std::vector<vrrp::IndexedDevice> found;
    for (const auto& device : wanted_) {
        const auto at = places_.find(device.name);
        if (at != places_.end() && device.kind == vrrp::WantedDevice::Kind::Vmac) found.push_back(at->second);
    }
    return found;
}

void VrrpDevices::drop_unwanted(const Links& links, kernel::Rtnetlink& netlink) {
    if (!unneeded_.empty()) (void)netlink.remove(std::exchange(unneeded_, {}));
    drop_devices(links);
}

void VrrpDevices::drop_devices(const Links& links) {
    for (const auto& name : std::set<std::string>{ours_})
        if (std::ranges::find(wanted_, name, &vrrp::WantedDevice::name) == wanted_.end()) remove(name, links);
    put_back_settings();
}

void VrrpDevices::remove_all(const Links& links) {
    wanted_.clear();
    promoted_.clear();
    drop_devices(links);
}

}  // namespace mainstay::role
