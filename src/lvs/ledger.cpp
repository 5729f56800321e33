#include "mainstay/lvs/ledger.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace mainstay::lvs {

void Ledger::begin(std::size_t services) {
    next_ = 0;
    same_ = true;
    wanted_.reserve(services);
    as_wanted_.reserve(services);
}

void Ledger::add(ServiceTable wanted) {
    if (same_ && next_ < wanted_.size() && wanted_[next_].service.key == wanted.service.key)
        return change(next_++, std::move(wanted));
    if (std::exchange(same_, false)) retire(next_);
    wanted_.push_back(std::move(wanted));
    as_wanted_.push_back(0);
    ++next_;
}

void Ledger::end() {
    if (same_ && next_ == wanted_.size()) return;
    if (std::exchange(same_, false)) retire(next_);
    by_key_.resize(wanted_.size());
    std::iota(by_key_.begin(), by_key_.end(), 0U);
    std::ranges::sort(by_key_, {}, [this](std::uint32_t at) -> const Key& { return wanted_[at].service.key; });
    for (std::size_t at = same_until_; at < wanted_.size(); ++at) {
        leftover_.erase(wanted_[at].service.key);
        settle(at);
    }
}

// Marks the services from this index on as leftovers, because the list changes from there.
void Ledger::retire(std::size_t from) {
    same_until_ = from;
    for (std::size_t at = from; at < wanted_.size(); ++at) {
        leftover_.insert(wanted_[at].service.key);
        note_difference(at);
    }
    wanted_.resize(from);
    as_wanted_.resize(from);
}

// Copies the known table of a service before its desired one changes.
void Ledger::note_difference(std::size_t at) {
    if (std::exchange(as_wanted_[at], 0) == 0) return;
    const Key key = wanted_[at].service.key;
    actual_[key] = as_put_in(std::move(wanted_[at]));
}

void Ledger::change(std::size_t at, ServiceTable wanted) {
    if (wanted_[at] == wanted) return;
    note_difference(at);
    wanted_[at] = std::move(wanted);
    settle(at);
}

void Ledger::insert(ServiceTable wanted, const std::optional<Key>& before) {
    const std::size_t at = (before ? find(*before) : std::nullopt).value_or(wanted_.size());
    const Key key = wanted.service.key;
    const auto by_key = lower_bound(key);
    const auto place = static_cast<std::ptrdiff_t>(at);
    wanted_.insert(wanted_.begin() + place, std::move(wanted));
    as_wanted_.insert(as_wanted_.begin() + place, 0);
    for (auto& index : by_key_) index += index >= at ? 1U : 0U;
    by_key_.insert(by_key, static_cast<std::uint32_t>(at));
    leftover_.erase(key);
    settle(at);
}

void Ledger::remove(const Key& key) {
    const auto at = find(key);
    if (!at) return;
    note_difference(*at);
    leftover_.insert(key);
    by_key_.erase(lower_bound(key));
    const auto place = static_cast<std::ptrdiff_t>(*at);
    wanted_.erase(wanted_.begin() + place);
    as_wanted_.erase(as_wanted_.begin() + place);
    for (auto& index : by_key_) index -= index > *at ? 1U : 0U;
}

std::vector<std::uint32_t>::const_iterator Ledger::lower_bound(const Key& key) const {
    return std::ranges::lower_bound(by_key_, key, {},
                                    [this](std::uint32_t at) -> const Key& { return wanted_[at].service.key; });
}

std::optional<std::size_t> Ledger::find(const Key& key) const {
    const auto place = lower_bound(key);
    if (place == by_key_.end() || wanted_[*place].service.key != key) return std::nullopt;
    return *place;
}

void Ledger::leave_over(std::span<const Key> keys) {
    for (const auto& key : keys)
        if (!find(key)) leftover_.insert(key);
}

void Ledger::forget() {
    actual_.clear();
    std::ranges::fill(as_wanted_, std::uint8_t{0});
}

// Where nothing better is known, as desired: so mainstay adds them.
void Ledger::take_last_weights(ServiceTable& actual, std::optional<std::size_t> at) const {
    const auto before = actual_.find(actual.service.key);
    const auto last_weight_of = [&](const Endpoint& endpoint) {
        const auto same = [&endpoint](const auto& one) { return one.endpoint == endpoint; };
        for (const ServiceTable* table :
             {before == actual_.end() ? nullptr : &before->second, at ? &wanted_[*at] : nullptr}) {
            if (table == nullptr) continue;
            const auto known = std::ranges::find_if(table->destinations, same);
            if (known != table->destinations.end()) return known->last_weight;
        }
        return 1U;
    };
    for (auto& one : actual.destinations)
        one.last_weight = one.weight > 0 ? static_cast<std::uint32_t>(one.weight) : last_weight_of(one.endpoint);
}

void Ledger::found(const Key& key, std::optional<ServiceTable> actual) {
    const auto at = find(key);
    if (actual && at && wanted_[*at].active_active) take_last_weights(*actual, at);
    if (at) as_wanted_[*at] = 0;
    if (!actual) {
        actual_.erase(key);
        return;
    }
    actual_[key] = std::move(*actual);
    if (at) settle(*at);
}

// Drops the known table of a service if it equals the desired one.
void Ledger::settle(std::size_t at) {
    const auto known = actual_.find(wanted_[at].service.key);
    if (as_wanted_[at] != 0 || known == actual_.end()) return;
    Operations operations;
    plan_service(wanted_[at], &known->second, operations, Repair::Now);
    if (!operations.empty()) return;
    actual_.erase(known);
    as_wanted_[at] = 1;
}

void Ledger::take(const netlink::IpvsOperation& operation) {
    const Key& key = operation.service.key;
    if (operation.kind == netlink::IpvsOperation::Kind::AddService) {
        actual_[key] = {operation.service, {}};
    } else if (operation.kind == netlink::IpvsOperation::Kind::DeleteService) {
        actual_.erase(key);
        leftover_.erase(key);
        if (const auto at = find(key)) as_wanted_[*at] = 0;
    } else if (const auto known = actual_.find(key); known != actual_.end()) {
        static_cast<void>(perform(known->second, operation));
    }
}

void Ledger::carried_out(std::span<const netlink::IpvsOperation> operations, std::span<const std::size_t> failed) {
    for (std::size_t i = 0; i < operations.size(); ++i) {
        if (!std::ranges::binary_search(failed, i)) take(operations[i]);
        const Key& key = operations[i].service.key;
        if (i + 1 < operations.size() && operations[i + 1].service.key == key) continue;
        if (const auto at = find(key)) settle(*at);
    }
}

bool Ledger::is_known(std::size_t at) const { return is_as_wanted(at) || actual_.contains(wanted_[at].service.key); }

std::optional<ServiceTable> Ledger::known(std::size_t at) const {
    if (is_as_wanted(at)) return as_put_in(wanted_[at]);
    const auto known = actual_.find(wanted_[at].service.key);
    return known == actual_.end() ? std::nullopt : std::optional{known->second};
}

bool Ledger::is_usable(std::size_t at) const {
    if (is_as_wanted(at)) return true;
    if (!wanted_[at].active_active) return false;
    Operations operations;
    plan(at, operations);
    return operations.empty();
}

void Ledger::plan(std::size_t at, Operations& out, Repair repair) const {
    if (is_as_wanted(at)) return;
    const auto known = actual_.find(wanted_[at].service.key);
    plan_service(wanted_[at], known == actual_.end() ? nullptr : &known->second, out, repair);
}

void Ledger::plan_left_over(Operations& out) const {
    for (const auto& key : leftover_) {
        const auto known = actual_.find(key);
        if (known != actual_.end())
            out.push_back({netlink::IpvsOperation::Kind::DeleteService, known->second.service, {}});
    }
}

void Ledger::plan_removal(std::size_t at, Operations& out) const {
    if (is_known(at)) out.push_back({netlink::IpvsOperation::Kind::DeleteService, wanted_[at].service, {}});
}

bool Ledger::is_as_wanted() const {
    return std::ranges::all_of(as_wanted_, [](std::uint8_t same) { return same != 0; });
}

}  // namespace mainstay::lvs
