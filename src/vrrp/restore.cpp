#include "mainstay/vrrp/restore.hpp"

#include <algorithm>
#include <utility>

namespace mainstay::vrrp {

RestoreBudget::Answer RestoreBudget::lost(std::size_t position, Instant now) {
    Address& address = addresses_[position];
    if (address.due) return Answer::Later;
    address.failures = 0;  // it had been set
    auto& restores = address.restores;
    std::erase_if(restores, [&](Instant at) { return at + kGiveUpWindow <= now; });
    if (restores.size() >= kGiveUp) return Answer::GiveUp;
    if (restores.size() >= kBurst) {
        const Instant free_at = restores[restores.size() - kBurst] + kBurstWindow;
        if (free_at > now) {
            address.due = free_at;
            return Answer::Later;
        }
    }
    restores.push_back(now);
    return Answer::Now;
}

RestoreBudget::Answer RestoreBudget::failed(std::size_t position, Instant now) {
    Address& address = addresses_[position];
    if (++address.failures >= kFailures) return Answer::GiveUp;
    address.due = now + kRetryAfter;
    return Answer::Later;
}

std::optional<Instant> RestoreBudget::next() const {
    std::optional<Instant> earliest;
    for (const auto& [position, address] : addresses_)
        if (address.due && (!earliest || *address.due < *earliest)) earliest = address.due;
    return earliest;
}

std::vector<std::size_t> RestoreBudget::take_due(Instant now) {
    std::vector<std::size_t> due;
    for (auto& [position, address] : addresses_) {
        if (!address.due || *address.due > now) continue;
        address.due.reset();
        address.restores.push_back(now);
        due.push_back(position);
    }
    return due;
}

void RestoreBudget::hasten(Instant now) {
    for (auto& [position, address] : addresses_) {
        if (!address.due && !std::exchange(address.left, false)) continue;
        address.due = now;
        address.failures = 0;
    }
}

void RestoreBudget::is_back(std::size_t position) {
    const auto found = addresses_.find(position);
    if (found == addresses_.end()) return;
    found->second.due.reset();
    found->second.failures = 0;
    found->second.left = false;
}

void RestoreBudget::all_are_back() {
    for (auto& [position, address] : addresses_) is_back(position);
}

void RestoreBudget::renumber(const std::function<std::optional<std::size_t>(std::size_t)>& new_position) {
    for (auto& [position, address] : std::exchange(addresses_, {}))
        if (const auto next = new_position(position)) addresses_.emplace(*next, std::move(address));
}

}  // namespace mainstay::vrrp
