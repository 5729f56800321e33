#include "takeover.hpp"

#include <algorithm>
#include <utility>

#include "addresses.hpp"
#include "mainstay/config/addresses.hpp"

namespace mainstay::role {
namespace {

// Setting a thousand addresses takes the kernel tens of milliseconds, so they are set and announced in batches.
constexpr std::size_t kAddressesAtOnce = 32;

std::vector<kernel::Address> part_of(const std::vector<kernel::Address>& all, std::size_t begin) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(begin);
    return {first, first + static_cast<std::ptrdiff_t>(std::min(kAddressesAtOnce, all.size() - begin))};
}

}  // namespace

TakeOver::Batch TakeOver::batch_of(kernel::Rtnetlink& netlink, std::vector<kernel::Address> addresses) const {
    Batch batch{.addresses = std::move(addresses), .requests = {}, .announcement = {}};
    batch.requests = netlink.prepare_add(batch.addresses);
    batch.announcement = announcer_.first_round(batch.addresses);
    return batch;
}

void TakeOver::prepare(kernel::Rtnetlink& netlink, const config::Instance& instance) {
    const auto all = address_requests(instance, {}, links_);
    if (all.empty()) return;
    prepared_.insert_or_assign(instance.name, batch_of(netlink, part_of(all, 0)));
    netlink.warm_up(all.front());
}

void TakeOver::set(kernel::Rtnetlink& netlink, const config::Instance& instance) {
    std::size_t begin = 0;
    if (auto ready = prepared_.extract(instance.name); !ready.empty()) {
        begin = ready.mapped().addresses.size();
        set(netlink, instance, std::move(ready.mapped()));
    }
    const auto all = address_requests(instance, {}, links_);
    for (; begin < all.size(); begin += kAddressesAtOnce)
        set(netlink, instance, batch_of(netlink, part_of(all, begin)));
}

void TakeOver::set(kernel::Rtnetlink& netlink, const config::Instance& instance, Batch batch) {
    const auto failed = netlink.add(std::move(batch.requests), [&] { announcer_.send(batch.announcement, 1); });
    report(instance, batch.addresses, failed);
}

void TakeOver::set_silently(kernel::Rtnetlink& netlink, const config::Instance& instance,
                            const std::vector<std::size_t>& positions) {
    const auto requests = address_requests(instance, positions, links_);
    report(instance, requests, netlink.add(requests));
}

void TakeOver::report(const config::Instance& instance, const std::vector<kernel::Address>& addresses,
                      const Result<std::vector<kernel::Rtnetlink::Failure>>& failed) {
    if (!failed) return log_.error("({}) setting addresses: {}", instance.name, failed.error().text());
    if (failed->empty() && refused_.empty()) return;
    auto& refused = refused_[instance.name];
    for (const auto& address : addresses) refused.erase(address.prefix.to_string());
    for (const auto& failure : *failed) {
        const std::string address = addresses[failure.index].prefix.to_string();
        log_.error("({}) address {} cannot be set: {}", instance.name, address, failure.reason());
        refused.insert_or_assign(address, failure.reason());
    }
    if (refused.empty()) refused_.erase(instance.name);
}

std::vector<kernel::Address> TakeOver::accepted(const config::Instance& instance) const {
    auto all = address_requests(instance, {}, links_);
    if (const auto refused = refused_.find(instance.name); refused != refused_.end())
        std::erase_if(all, [&](const auto& one) { return refused->second.contains(one.prefix.to_string()); });
    return all;
}

void TakeOver::retry_later(std::chrono::milliseconds pause, std::function<void()> retry) {
    if (refused_.empty() || std::exchange(waits_, true)) return;
    again_.expires_after(pause);
    again_.async_wait([this, pause, retry = std::move(retry)](const boost::system::error_code& error) {
        if (error) return;
        waits_ = false;
        retry();
        retry_later(pause, retry);
    });
}

// What a reload has removed, or an instance that is no master any more, is forgotten: the next takeover asks anew.
void TakeOver::retry(kernel::Rtnetlink& netlink, const vrrp::Router& router) {
    const auto before = std::exchange(refused_, {});
    const auto& instances = router.config().instances;
    for (vrrp::InstanceId id = 0; id < instances.size(); ++id) {
        const auto& instance = instances[id];
        const auto known = before.find(instance.name);
        if (known == before.end() || !router.snapshot_of(id).owns_addresses) continue;
        auto requests = address_requests(instance, {}, links_);
        std::erase_if(requests, [&](const auto& one) { return !known->second.contains(one.prefix.to_string()); });
        const auto failed = netlink.add(requests);
        if (!failed) {
            log_.error("({}) setting addresses: {}", instance.name, failed.error().text());
            refused_.insert(*known);
            continue;
        }
        std::map<std::string, std::string> still;
        for (const auto& failure : *failed)
            still.insert_or_assign(requests[failure.index].prefix.to_string(), failure.reason());
        std::erase_if(requests, [&](const auto& one) { return still.contains(one.prefix.to_string()); });
        for (const auto& taken : requests)
            log_.notice("({}) address {}, which the kernel had refused, is set now", instance.name,
                        taken.prefix.to_string());
        if (!requests.empty()) announcer_.announce(requests, instance.garp_master_repeat);
        if (!still.empty()) refused_.emplace(instance.name, std::move(still));
    }
}

std::vector<mainstay::report::Refused> TakeOver::refused(const config::Config& config) const {
    std::vector<mainstay::report::Refused> all;
    if (refused_.empty()) return all;
    for (const auto& instance : config.instances) {
        const auto found = refused_.find(instance.name);
        if (found == refused_.end()) continue;
        for (const auto& one : config::all_addresses(instance))
            if (const auto why = found->second.find(one.prefix.to_string()); why != found->second.end())
                all.push_back({instance.name, why->first, why->second});
    }
    return all;
}

namespace {

constexpr std::size_t kInstancesMax = 16;  // copying more takes longer than it saves

}  // namespace

void PrecomputedTakeover::compute(const vrrp::Router& router, kernel::Rtnetlink& netlink) {
    const auto& config = router.config();
    const auto due = router.deadline();
    if (!due || !router.takes_over_next() || config.instances.size() > kInstancesMax) return;
    step_.emplace(router.copy(), vrrp::Intents{}, *due);
    step_->intents = step_->router.step(vrrp::DeadlineReached{}, *due);
    for (const auto& intent : step_->intents) {
        const auto* added = std::get_if<vrrp::AddAddresses>(&intent);
        if (added != nullptr && added->announced) addresses_.prepare(netlink, config.instances.at(added->instance));
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
