#include "mainstay/vrrp/statics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mainstay/config/keywords.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "routing_words.hpp"

namespace mainstay::vrrp {

namespace keyword = config::keyword;

namespace {

HeldAddress held(const config::VirtualAddress& address) { return {address.dev, address.prefix}; }

void add_once(std::vector<std::string>& list, const std::string& name) {
    if (std::ranges::find(list, name) == list.end()) list.push_back(name);
}

// The words of a line of static_ipaddress are those of a VIP, which has members for the common ones.
std::optional<config::VirtualAddress> address_of(const config::Section& line, const std::string& default_interface) {
    const Words words{line};
    const auto prefix = words.get(keyword::address);
    if (!prefix) return std::nullopt;
    config::VirtualAddress address{.prefix = *prefix};
    if (words.has(keyword::peer)) address.prefix.length = prefix->address.is_v4() ? 32 : 128;
    address.dev = words.text({keyword::dev});
    if (address.dev.empty()) address.dev = default_interface;
    address.label = words.text({keyword::label});
    address.scope = words.number<std::uint8_t>({keyword::scope}).value_or(0);
    address.no_track = words.has(keyword::no_track);
    address.noprefixroute = words.has(keyword::noprefixroute);
    const std::string broadcast = words.text({keyword::broadcast, keyword::brd});
    address.broadcast_all_ones = broadcast == "+";
    address.broadcast_all_zeros = broadcast == "-";
    if (!broadcast.empty()) address.broadcast = IpAddress::parse(broadcast);
    address.more.edit().values = line.values;
    return address;
}

// The members of a track_group are in its block `group`.
std::vector<std::string> members_of(const config::Config& config, const std::string& group) {
    const auto* block = config::find_section(config.more->sections, keyword::track_group, group);
    const auto* members = block != nullptr ? config::find_section(block->sections, keyword::group) : nullptr;
    return members != nullptr ? config::words_of(members->values, keyword::group) : config::WordList{};
}

}  // namespace

std::vector<StaticAddress> static_addresses_of(const config::Config& config) {
    std::vector<StaticAddress> addresses;
    for (const config::Section& block : config.more->sections) {
        if (block.keyword != keyword::static_ipaddress) continue;
        for (const config::Section& line : block.sections)
            if (auto address = address_of(line, config.global.default_interface))
                addresses.push_back({std::move(*address), Words{line}.text({keyword::track_group})});
    }
    return addresses;
}

std::vector<std::string> static_devices_of(const config::Config& config) {
    std::vector<std::string> devices;
    for (const StaticAddress& entry : static_addresses_of(config)) add_once(devices, entry.address.dev);
    for (const RoutingEntry& entry : static_routing_of(config))
        for (const std::string& device : entry.devices) add_once(devices, device);
    return devices;
}

RoutingSet::Change Statics::replace(const config::Config& config) {
    auto next = static_addresses_of(config);
    restores_.renumber([&](std::size_t before) -> std::optional<std::size_t> {
        const auto at = std::ranges::find(next, addresses_[before].address, &StaticAddress::address);
        return at == next.end() ? std::nullopt : std::optional{static_cast<std::size_t>(at - next.begin())};
    });
    addresses_ = std::move(next);
    auto entries = static_routing_of(config);

    tracked_.clear();
    for (const config::Instance& instance : config.instances)
        if (auto devices = devices_of(routing_of(instance)); !devices.empty())
            tracked_.emplace(instance.name, std::move(devices));
    const auto track = [&](const std::string& group, const std::vector<std::string>& devices) {
        if (group.empty()) return;
        for (const std::string& member : members_of(config, group))
            for (const std::string& device : devices) add_once(tracked_[member], device);
    };
    for (const StaticAddress& entry : addresses_) track(entry.track_group, {entry.address.dev});
    for (const RoutingEntry& entry : entries) track(entry.track_group, entry.devices);
    return routing_.replace(std::move(entries));
}

void Statics::add(Step step, const std::vector<std::size_t>& routing) {
    if (!addresses_.empty() && !audit_) audit_ = step.now + kAudit;
    routing_.set(step, routing);
}

void Statics::start(Step step) {
    running_ = true;
    std::vector<config::VirtualAddress> all;
    for (const StaticAddress& entry : addresses_) all.push_back(entry.address);
    if (!all.empty()) {
        step.out.push_back(SetStaticAddresses{std::move(all)});
        audit_ = step.now + kAudit;
    }
    routing_.establish(step);
}

void Statics::stop(Step step) {
    if (!running_) return;
    running_ = false;
    routing_.withdraw(step);
    std::vector<HeldAddress> all;
    for (const StaticAddress& entry : addresses_) all.push_back(held(entry.address));
    if (!all.empty()) step.out.push_back(RemoveAddresses{kNoInstance, std::move(all)});
    restores_.clear();
    audit_.reset();
}

// It may be a new interface with an old name, without addresses and routes.
void Statics::interface_up(Step step, const std::string& name) {
    if (!running_) return;
    std::vector<config::VirtualAddress> there;
    for (const StaticAddress& entry : addresses_)
        if (entry.address.dev == name) there.push_back(entry.address);
    if (!there.empty()) step.out.push_back(SetStaticAddresses{std::move(there)});
    routing_.nudge(step.now);
}

void Statics::address_lost(Step step, const AddressLost& fact) {
    if (!running_) return;
    routing_.nudge(step.now);
    for (std::size_t at = 0; at < addresses_.size(); ++at) {
        const config::VirtualAddress& address = addresses_[at].address;
        if (address.dev != fact.interface || address.prefix != fact.address) continue;
        // No instance resigns for it: beyond its budget it is restored by the next audit.
        if (restores_.lost(at, step.now) == RestoreBudget::Answer::Now) restore(step, at);
    }
}

void Statics::restore(Step step, std::size_t position) {
    const config::VirtualAddress& address = addresses_[position].address;
    step.out.push_back(SetStaticAddresses{{address}});
    // keepalived: its log text (2.4.3)
    step.out.push_back(WriteLog{{LogLevel::Warning, fmt::format("Restoring deleted static address {} dev {}",
                                                                address.prefix.to_string(), address.dev)}});
}

void Statics::check(Instant now) {
    routing_.nudge(now);
    if (audit_) audit_ = std::min(*audit_, now + RoutingSet::kSettle);
}

void Statics::tick(Step step) {
    if (!running_) return;
    for (const std::size_t position : restores_.take_due(step.now)) restore(step, position);
    if (audit_ && *audit_ <= step.now) {
        audit_ = step.now + kAudit;
        std::vector<config::VirtualAddress> all;
        for (const StaticAddress& entry : addresses_) all.push_back(entry.address);
        if (!all.empty()) step.out.push_back(SetStaticAddresses{std::move(all)});
    }
    routing_.tick(step);
}

std::optional<Instant> Statics::deadline() const {
    std::optional<Instant> earliest = routing_.deadline();
    for (const auto& due : {restores_.next(), audit_})
        if (due && (!earliest || *due < *earliest)) earliest = due;
    return earliest;
}

void Statics::judge(const config::Instance& instance, const Links& links, Health& health) const {
    const auto found = tracked_.find(instance.name);
    if (found == tracked_.end()) return;
    for (const std::string& device : found->second) {
        const bool known = std::ranges::any_of(health.faults, [&](const Fault& fault) {
            return fault.what == Fault::What::Interface && fault.name == device && fault.value != "up";
        });
        if (links.up(device) || known || device == instance.interface) continue;
        const bool own = device == base_interface(instance) || device == own_vmac(instance);
        if (own && instance.dont_track_primary) continue;
        health.wait_no_more();
        health.fault(Fault::What::Interface, device, links.why_not_up(device), Cause::Link);
    }
}

}  // namespace mainstay::vrrp
