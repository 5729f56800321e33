#include "waiting_facts.hpp"

#include <algorithm>
#include <utility>

namespace mainstay::role {

void WaitingFacts::add(vrrp::Fact fact) {
    const auto* link = std::get_if<vrrp::InterfaceFact>(&fact);
    if (link == nullptr) return facts_.push_back(std::move(fact));
    const auto last = std::find_if(facts_.rbegin(), facts_.rend(), [&](const vrrp::Fact& waiting) {
        const auto* other = std::get_if<vrrp::InterfaceFact>(&waiting);
        return other != nullptr && other->name == link->name;
    });
    const auto* before = last == facts_.rend() ? nullptr : std::get_if<vrrp::InterfaceFact>(&*last);
    // Merge only if neither index nor link state changed: a link that was down for a moment has lost its routes.
    if (before != nullptr && before->index == link->index && before->up == link->up)
        *last = std::move(fact);
    else
        facts_.push_back(std::move(fact));
}

bool WaitingFacts::has_interfaces() const {
    return std::ranges::any_of(
        facts_, [](const vrrp::Fact& fact) { return std::holds_alternative<vrrp::InterfaceFact>(fact); });
}

std::vector<vrrp::Fact> WaitingFacts::take() { return std::exchange(facts_, {}); }

}  // namespace mainstay::role
