#include "mainstay/vrrp/devices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "mainstay/config/keywords.hpp"

namespace mainstay::vrrp {

namespace keyword = config::keyword;

namespace {

constexpr std::size_t kMostName = 15;   // IFNAMSIZ without its NUL
constexpr unsigned kMostNumber = 1000;  // vrrp1. to vrrp1000.: one of these is always free
constexpr std::string_view kPrefix = "vrrp";

bool is_virtual_range(const VirtualMac& mac) {
    return mac[0] == 0 && mac[1] == 0 && mac[2] == 0x5e && mac[3] == 0 && (mac[4] == 1 || mac[4] == 2);
}

// "vrrp" and "51" make "vrrp.51"; a prefix that is too long is truncated.
std::string device_name(std::string_view prefix, std::string_view number, std::uint8_t virtual_router_id) {
    const std::string end = fmt::format("{}.{}", number, virtual_router_id);
    return std::string{prefix.substr(0, kMostName - end.size())} + end;
}

class Planner {
public:
    Planner(config::Config config, std::span<const ExistingLink> links, const std::set<std::string>& made,
            const std::set<std::string>& found)
        : links_{links}, made_{made}, found_{found} {
        plan_.config = std::move(config);
        const auto& global = plan_.config.global.more->values;
        prefix_ = first_word(global, keyword::vmac_prefix);
        if (prefix_.empty()) prefix_ = kPrefix;
        address_prefix_ = first_word(global, keyword::vmac_addr_prefix);
        if (address_prefix_.empty()) address_prefix_ = prefix_;
    }

    DevicePlan run() {
        // Configured names are reserved.
        for (const auto& instance : plan_.config.instances)
            if (instance.vmac->enabled && !instance.vmac->name.empty()) reserved_.insert(instance.vmac->name);
        for (auto& instance : plan_.config.instances) place(instance);
        agree_on_modes();
        return std::move(plan_);
    }

private:
    void place(config::Instance& instance) {
        const std::string base = instance.interface;
        const auto* ipvlan = config::find_section(instance.more->sections, keyword::use_ipvlan);
        if (base.empty()) return;
        if (instance.vmac->enabled) {
            instance.vmac.edit().name =
                vmac(instance, base, instance.vmac->name, prefix_, !sends_from_parent(instance));
            if (!sends_from_parent(instance)) {
                std::ranges::find(plan_.devices, instance.vmac->name, &WantedDevice::name)->hears_adverts = true;
                set_interface(instance, instance.vmac->name);
            }
        } else if (ipvlan != nullptr) {
            set_interface(instance, this->ipvlan(instance, base, *ipvlan));
            const auto& own = plan_.devices.back().address;  // keepalived: it becomes the source address
            if (own && !instance.source && own->address.family() == instance.family) instance.source = own->address;
        }
        for (auto& address : instance.addresses) place(address, instance, base);
        for (auto& address : instance.excluded_addresses) place(address, instance, base);
    }

    // keepalived: an address of the other family than the instance's stays on the interface itself.
    void place(config::VirtualAddress& address, const config::Instance& instance, const std::string& base) {
        const std::string dev = address.dev.empty() ? base : address.dev;
        const bool same_family = address.prefix.address.family() == instance.family;
        const bool asked = flag(address.more->values, keyword::use_vmac) ||
                           (dev != base && flag(instance.more->values, keyword::use_vmac_addr));
        if (dev == base && instance.vmac->enabled)
            address.dev = same_family ? instance.vmac->name : base;
        else if (asked && same_family)
            address.dev = vmac(instance, dev, {}, address_prefix_, true);
        else if (dev == base && instance.interface != base)
            address.dev = base;  // keepalived: an ipvlan carries the adverts, not the addresses (observed in 2.2.7)
    }

    static void set_interface(config::Instance& instance, const std::string& name) {
        set_value(instance.more.edit().values, keyword::base_interface, config::WordList{instance.interface});
        instance.interface = name;
    }

    std::string vmac(const config::Instance& instance, const std::string& parent, const std::string& wanted_name,
                     const std::string& prefix, bool link_local) {
        WantedDevice device;
        device.kind = WantedDevice::Kind::Vmac;
        device.parent = parent;
        device.mac = mac_of(instance);
        device.family = instance.family;
        device.keeps_ipv6 =
            instance.family == Family::V6 ||
            std::ranges::any_of(instance.excluded_addresses, [](const auto& a) { return a.prefix.address.is_v6(); });
        device.link_local = link_local && instance.family == Family::V6;
        if (instance.source && instance.source->is_link_local_v6()) device.source = instance.source;
        device.group = instance.vmac->group;
        device.notifies = instance.vmac->netlink_notify;
        device.instance = instance.name;
        for (auto& have : plan_.devices)
            if (have.kind == device.kind && have.parent == parent && have.mac == device.mac) return share(have, device);
        if (const auto* link = find_serving(device)) {
            device.name = link->name;
            device.found = true;
            if (!found_.contains(link->name)) log_reuse(instance, *link, wanted_name);
        } else {
            device.name = free_name(instance, wanted_name, prefix);
        }
        return add(std::move(device));
    }

    // The kernel has one mode for all ipvlans of a parent: the one that was set last.
    void agree_on_modes() {
        std::map<std::string, WantedDevice::IpvlanMode> modes;
        for (const auto& device : plan_.devices)
            if (device.mode != WantedDevice::IpvlanMode::Bridge) modes.insert_or_assign(device.parent, device.mode);
        for (auto& device : plan_.devices)
            if (const auto mode = modes.find(device.parent);
                mode != modes.end() && device.kind == WantedDevice::Kind::Ipvlan)
                device.mode = mode->second;
    }

    static std::string share(WantedDevice& have, const WantedDevice& more) {
        have.keeps_ipv6 = have.keeps_ipv6 || more.keeps_ipv6;
        have.link_local = have.link_local || more.link_local;
        return have.name;
    }

    std::string ipvlan(const config::Instance& instance, const std::string& parent, const config::Section& line) {
        WantedDevice device;
        device.kind = WantedDevice::Kind::Ipvlan;
        device.parent = parent;
        device.family = instance.family;
        device.keeps_ipv6 = true;
        device.link_local = instance.family == Family::V6;
        device.address = config::value_of(line.values, keyword::address);
        const std::string mode = first_word(line.values, keyword::mode);
        if (mode == "private") device.mode = WantedDevice::IpvlanMode::Private;
        if (mode == "vepa") device.mode = WantedDevice::IpvlanMode::Vepa;
        device.group = first_word(line.values, keyword::group);
        if (const auto number = config::value_of<std::int64_t>(line.values, keyword::group))
            device.group = std::to_string(*number);
        device.instance = instance.name;
        device.name = first_word(line.values, keyword::name);
        const std::string wanted = device.name;
        if (wanted.empty()) device.name = device_name(prefix_, "", instance.virtual_router_id);
        // An ipvlan has no MAC address of its own, so it is identified by its name.
        if (find_serving(device) == nullptr) device.name = free_name(instance, wanted, prefix_);
        return add(std::move(device));
    }

    std::string add(WantedDevice device) {
        taken_.insert(device.name);
        plan_.devices.push_back(std::move(device));
        return plan_.devices.back().name;
    }

    static VirtualMac mac_of(const config::Instance& instance) {
        // RFC 9568 7.3; the configuration's reader tells of an address that is not used.
        const auto own =
            instance.strict ? std::nullopt : configured_mac(instance.vmac->mac, instance.virtual_router_id);
        return own.value_or(virtual_mac(instance.family, instance.virtual_router_id));
    }

    const ExistingLink* find_serving(const WantedDevice& device) const {
        const auto* parent = find_link(device.parent);
        if (parent == nullptr) return nullptr;
        for (const auto& link : links_)
            if (serves_as(link, device, *parent) && !taken_.contains(link.name) && !made_.contains(link.name))
                return &link;
        return nullptr;
    }

    const ExistingLink* find_link(std::string_view name) const {
        const auto found = std::ranges::find(links_, name, &ExistingLink::name);
        return found == links_.end() ? nullptr : &*found;
    }

    bool is_free(const std::string& name) const {
        return !taken_.contains(name) && (made_.contains(name) || find_link(name) == nullptr);
    }

    // vrrp.51; if that is taken, for IPv6 vrrp6.51; then vrrp1.51, vrrp2.51 ...
    std::string free_name(const config::Instance& instance, const std::string& wanted, const std::string& prefix) {
        if (!wanted.empty()) {
            if (is_free(wanted)) return wanted;
            log(LogLevel::Warning, fmt::format("({}) the interface name {} is taken by another interface: another name "
                                               "is used",
                                               instance.name, wanted));
        }
        const auto attempt = [&](std::string_view number) {
            auto name = device_name(prefix, number, instance.virtual_router_id);
            return is_free(name) && !reserved_.contains(name) ? std::optional{name} : std::nullopt;
        };
        if (const auto name = attempt("")) return *name;
        if (instance.family == Family::V6)
            if (const auto name = attempt("6")) return *name;
        for (unsigned n = 1; n <= kMostNumber; ++n)
            if (const auto name = attempt(std::to_string(n))) return *name;
        return device_name(prefix, "", instance.virtual_router_id);  // the kernel will refuse it, which is logged
    }

    void log_reuse(const config::Instance& instance, const ExistingLink& link, const std::string& wanted) {
        log(LogLevel::Info, fmt::format("({}) Found matching interface {}", instance.name, link.name));
        if (!wanted.empty() && wanted != link.name)
            log(LogLevel::Info, fmt::format("({}) vmac name mismatch {} <=> {}. changing to {}.", instance.name, wanted,
                                            link.name, link.name));
    }

    void log(LogLevel level, std::string text) { plan_.lines.push_back({level, std::move(text)}); }

    std::span<const ExistingLink> links_;
    const std::set<std::string>& made_;
    const std::set<std::string>& found_;
    DevicePlan plan_;
    std::string prefix_, address_prefix_;
    std::set<std::string> taken_, reserved_;
};

}  // namespace

VirtualMac virtual_mac(Family family, std::uint8_t virtual_router_id) {
    return {0x00, 0x00, 0x5e, 0x00, static_cast<std::uint8_t>(family == Family::V6 ? 2 : 1), virtual_router_id};
}

std::optional<VirtualMac> configured_mac(std::string_view text, std::uint8_t virtual_router_id) {
    VirtualMac mac{};
    std::size_t count = 0;
    while (!text.empty() && count < mac.size()) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mac[count], 16);
        if (error != std::errc{}) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        ++count;
        if (text.empty()) break;
        if (text.front() != ':') return std::nullopt;
        text.remove_prefix(1);
    }
    if (!text.empty() || count < mac.size() - 1) return std::nullopt;
    if (count == mac.size() - 1) mac.back() = virtual_router_id;
    if ((mac[0] & 1U) != 0 || is_virtual_range(mac)) return std::nullopt;
    return mac;
}

DevicePlan plan_devices(config::Config config, std::span<const ExistingLink> links, const std::set<std::string>& made,
                        const std::set<std::string>& found) {
    return Planner{std::move(config), links, made, found}.run();
}

// keepalived's settings (2.4.3): an IPv4 VMAC answers ARP only for its own addresses (arp_ignore), accepts packets from
// local source addresses (accept_local) and does no reverse path filtering (rp_filter).
std::vector<Setting> device_settings(const WantedDevice& device) {
    // A host may have IPv6 off for new interfaces.
    const Setting ipv6{"net/ipv6/conf/" + device.name + "/disable_ipv6", device.keeps_ipv6 ? "0" : "1"};
    if (device.kind != WantedDevice::Kind::Vmac)
        return device.family == Family::V6 ? std::vector{ipv6} : std::vector<Setting>{};
    const std::string v4 = "net/ipv4/conf/" + device.name + "/";
    std::vector<Setting> settings{{v4 + "arp_ignore", "1"}};
    if (device.family == Family::V4)
        settings.insert(settings.end(),
                        {{v4 + "accept_local", "1"}, {v4 + "rp_filter", "0"}, {v4 + "promote_secondaries", "1"}});
    settings.push_back(ipv6);
    return settings;
}

std::vector<std::string> default_settings(const WantedDevice& device) {
    if (device.kind != WantedDevice::Kind::Vmac || device.family != Family::V6 || device.found) return {};
    const std::string v4 = "net/ipv4/conf/" + device.name + "/";
    return {v4 + "accept_local", v4 + "rp_filter", v4 + "promote_secondaries"};
}

std::vector<Setting> parent_settings(const WantedDevice& device) {
    if (device.kind != WantedDevice::Kind::Vmac || device.family != Family::V4) return {};
    const std::string v4 = "net/ipv4/conf/" + device.parent + "/";
    // arp_announce is not keepalived's: without it the parent's own ARP requests name a virtual address with the
    // parent's MAC address, and a neighbour believes them until the next gratuitous ARP.
    return {{v4 + "arp_ignore", "1"}, {v4 + "arp_filter", "1"}, {v4 + "arp_announce", "2"}};
}

Prefix link_local_of(const WantedDevice& device, std::span<const IpAddress> of_parent, const VirtualMac& parent_mac) {
    constexpr std::uint8_t kLength = 64;
    if (device.source) return {*device.source, kLength};
    for (const auto& address : of_parent)
        if (address.is_link_local_v6()) return {address, kLength};
    std::array<std::byte, 16> bytes{std::byte{0xfe}, std::byte{0x80}};
    constexpr std::array<std::size_t, 6> kPlaces{8, 9, 10, 13, 14, 15};
    for (std::size_t n = 0; n < kPlaces.size(); ++n) bytes[kPlaces[n]] = std::byte{parent_mac[n]};
    bytes[8] ^= std::byte{2};  // the universal/local bit is inverted
    bytes[11] = std::byte{0xff};
    bytes[12] = std::byte{0xfe};
    return {IpAddress::v6(bytes), kLength};
}

std::uint32_t carrier_of(WantedDevice::Kind kind, const ExistingLink& parent) {
    return parent.kind == (kind == WantedDevice::Kind::Ipvlan ? "ipvlan" : "macvlan") ? parent.parent : parent.index;
}

bool serves_as(const ExistingLink& link, const WantedDevice& device, const ExistingLink& parent) {
    if (link.index == 0 || parent.index == 0 || link.parent != carrier_of(device.kind, parent)) return false;
    if (device.kind == WantedDevice::Kind::Ipvlan) return link.kind == "ipvlan" && link.name == device.name;
    return link.private_macvlan && link.mac == device.mac;
}

const std::string& base_interface(const config::Instance& instance) {
    const std::string* base = find_word(instance.more->values, keyword::base_interface);
    return base != nullptr ? *base : instance.interface;
}

std::string_view own_vmac(const config::Instance& instance) {
    return instance.vmac->enabled ? std::string_view{instance.vmac->name} : std::string_view{};
}

bool sends_from_parent(const config::Instance& instance) {
    if (!instance.unicast_peers.empty()) return true;
    return flag(instance.more->values, keyword::vmac_xmit_base) && !instance.strict;
}

}  // namespace mainstay::vrrp
