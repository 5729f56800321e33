#include "takeover.hpp"

#include <algorithm>
#include <utility>

#include "addresses.hpp"

namespace mainstay::role {

namespace {

// Setting a thousand addresses takes the kernel tens of milliseconds, so they are set and announced in batches.
constexpr std::size_t kAddressesAtOnce = 32;

std::vector<kernel::Address> part_of(const std::vector<kernel::Address>& all, std::size_t begin) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(begin);
    return {first, first + static_cast<std::ptrdiff_t>(std::min(kAddressesAtOnce, all.size() - begin))};
}

}  // namespace

TakeOver::Lot TakeOver::lot_of(kernel::Rtnetlink& netlink, std::vector<kernel::Address> addresses) const {
    Lot lot{.addresses = std::move(addresses), .batch = {}, .announcement = {}};
    lot.batch = netlink.prepare_add(lot.addresses);
    lot.announcement = announcer_.first_round(lot.addresses);
    return lot;
}

void TakeOver::prepare(kernel::Rtnetlink& netlink, const config::Instance& instance) {
    const auto all = address_requests(instance, {}, links_);
    if (all.empty()) return;
    prepared_.insert_or_assign(instance.name, lot_of(netlink, part_of(all, 0)));
    netlink.warm_up(all.front());
}

void TakeOver::set(kernel::Rtnetlink& netlink, const config::Instance& instance) {
    std::size_t begin = 0;
    if (auto ready = prepared_.extract(instance.name); !ready.empty()) {
        begin = ready.mapped().addresses.size();
        set(netlink, instance, std::move(ready.mapped()));
    }
    const auto all = address_requests(instance, {}, links_);
    for (; begin < all.size(); begin += kAddressesAtOnce) set(netlink, instance, lot_of(netlink, part_of(all, begin)));
}

void TakeOver::set(kernel::Rtnetlink& netlink, const config::Instance& instance, Lot lot) {
    const auto failed = netlink.add(std::move(lot.batch), [&] { announcer_.send(lot.announcement, 1); });
    report(instance, lot.addresses, failed);
}

void TakeOver::set_silently(kernel::Rtnetlink& netlink, const config::Instance& instance,
                            const std::vector<std::size_t>& positions) {
    const auto requests = address_requests(instance, positions, links_);
    report(instance, requests, netlink.add(requests));
}

void TakeOver::report(const config::Instance& instance, const std::vector<kernel::Address>& addresses,
                      const Result<std::vector<kernel::Rtnetlink::Failure>>& failed) const {
    if (!failed) return log_.error("({}) setting addresses: {}", instance.name, failed.error().text());
    for (const auto& failure : *failed)
        log_.error("({}) address {} cannot be set{}", instance.name, addresses[failure.index].prefix.to_string(),
                   Error::system("", failure.sys_errno).text());
}

}  // namespace mainstay::role
