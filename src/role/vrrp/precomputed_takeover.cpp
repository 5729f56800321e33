#include "precomputed_takeover.hpp"

#include <algorithm>
#include <utility>

namespace mainstay::role {
namespace {

constexpr std::size_t kInstancesMax = 16;  // copying more takes longer than it saves

}  // namespace

bool announces(const vrrp::Intents& intents, vrrp::InstanceId id) {
    return std::ranges::any_of(intents, [id](const vrrp::Intent& intent) {
        const auto* arp = std::get_if<vrrp::SendGratuitousArp>(&intent);
        return arp != nullptr && arp->instance == id;
    });
}

void PrecomputedTakeover::compute(const vrrp::Router& router, kernel::Rtnetlink& netlink) {
    const auto& config = router.config();
    const auto due = router.deadline();
    if (!due || !router.takes_over_next() || config.instances.size() > kInstancesMax) return;
    step_.emplace(router.copy(), vrrp::Intents{}, *due);
    step_->intents = step_->router.step(vrrp::DeadlineReached{}, *due);
    for (const auto& intent : step_->intents) {
        const auto* added = std::get_if<vrrp::AddAddresses>(&intent);
        if (added != nullptr && announces(step_->intents, added->instance))
            addresses_.prepare(netlink, config.instances.at(added->instance));
        if (const auto* advert = std::get_if<vrrp::SendAdvert>(&intent)) transport_.warm_up(*advert, links_);
    }
}

void PrecomputedTakeover::forget() {
    if (!step_) return;
    step_.reset();
    addresses_.forget();
}

std::optional<PrecomputedTakeover::Step> PrecomputedTakeover::take(record::RecordedRouter& router) {
    auto step = std::exchange(step_, std::nullopt);
    if (step) router.exchange(step->router, vrrp::DeadlineReached{}, step->at, step->intents);
    return step;
}

}  // namespace mainstay::role
