#include "reload_addresses.hpp"

#include <algorithm>
#include <utility>

namespace mainstay::vrrp {
namespace {

template <class Visit>
void each_of(const config::Instance& instance, const Visit& visit) {
    const std::size_t count = instance.addresses.size() + instance.excluded_addresses.size();
    for (std::size_t position = 0; position < count; ++position) visit(position, address_at(instance, position));
}

}  // namespace

AddressMoves::Key AddressMoves::key_of(const HeldAddress& held) {
    Prefix prefix = held.prefix;
    if (prefix.address.is_v6()) prefix.length = 128;
    return {held.interface, prefix};
}

void AddressMoves::was_held(const config::Instance& master) {
    each_of(master, [&](std::size_t, const config::VirtualAddress& address) {
        auto as = identity_of(held_address(master, address).interface, address);
        before_.emplace(key_of(as), std::move(as));
    });
}

void AddressMoves::was_held(const std::vector<StaticAddress>& statics) {
    for (const StaticAddress& entry : statics) {
        auto as = identity_of(entry.address.dev, entry.address);
        before_.emplace(key_of(as), std::move(as));
    }
}

void AddressMoves::is_held(InstanceId id, const config::Instance& master) {
    each_of(master, [&](std::size_t position, const config::VirtualAddress& address) {
        const auto as = identity_of(held_address(master, address).interface, address);
        after_.emplace(key_of(as), After{.as = as, .owner = id, .position = position});
    });
}

void AddressMoves::is_held(const std::vector<StaticAddress>& statics) {
    for (const StaticAddress& entry : statics) {
        const auto as = identity_of(entry.address.dev, entry.address);
        after_.emplace(key_of(as), After{.as = as, .as_static = entry.address});
    }
}

bool AddressMoves::comes(const Key& key, const After& after, Which which) const {
    const auto before = before_.find(key);
    if (before == before_.end()) return which == Which::New;
    return which == Which::Changed && before->second != after.as;
}

void AddressMoves::add(Step step, Which which) const {
    SetStaticAddresses statics;
    std::map<InstanceId, std::vector<std::size_t>> positions;
    for (const auto& [key, after] : after_) {
        if (!comes(key, after, which)) continue;
        if (after.owner == kNoInstance)
            statics.addresses.push_back(after.as_static);
        else
            positions[after.owner].push_back(after.position);
    }
    if (!statics.addresses.empty()) step.out.push_back(std::move(statics));
    for (auto& [id, list] : positions) {
        std::ranges::sort(list);
        step.out.push_back(ChangeAddresses{id, std::move(list), {}});
    }
}

void AddressMoves::remove(Step step) const {
    std::vector<HeldAddress> gone;
    for (const auto& [key, before] : before_) {
        const auto after = after_.find(key);
        if (after == after_.end() || comes(key, after->second, Which::Changed))
            gone.push_back({before.interface, before.prefix});
    }
    if (!gone.empty()) step.out.push_back(RemoveAddresses{kNoInstance, std::move(gone)});
}

}  // namespace mainstay::vrrp
