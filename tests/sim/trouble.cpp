// What goes wrong on the simulated LAN, and how it is mended.
#include <fmt/format.h>

#include <algorithm>

#include "lan.hpp"

namespace mainstay::sim {

using namespace std::chrono_literals;
using namespace vrrp;

void Lan::trouble(Nanos how_long) {
    shaken_ = true;
    jitter_ = std::max<Nanos>(Nanos{interval_} / 2, 2ms);  // enough to reorder
    const Instant until = now_ + how_long;
    while (now_ < until && !violation_) {
        pass(Nanos{interval_} * static_cast<int>(10 + draw(300)) / 100);
        if (!violation_) one_trouble();
    }
}

void Lan::one_trouble() {
    const std::size_t i = draw(hosts_.size());
    Host& host = hosts_[i];
    const bool runs = host.router && !host.paused;
    switch (draw(10)) {
        case 0:
            return runs ? crash(i) : !host.router ? restart(i) : resume(i);
        case 1:
            return !host.router ? restart(i) : resume(i);
        case 2:
            return runs ? pause(i) : void();
        case 3:
            return !host.paused ? set_link(i, !host.link.up) : void();
        case 4:
            for (Host& other : hosts_) other.segment = static_cast<unsigned>(draw(2));
            return;
        case 5:
            for (Host& other : hosts_) other.segment = 0;
            return;
        case 6:
            loss_per_mille_ = static_cast<unsigned>(draw(3) * 200);
            duplicates_per_mille_ = static_cast<unsigned>(draw(2) * 200);
            return;
        case 7:
            host.script_good = !host.script_good;
            return;
        case 8:
            return runs ? steal_address(i) : void();
        case 9:
            return runs ? reload(i) : void();
        default:
            return;
    }
}

void Lan::heal() {
    loss_per_mille_ = duplicates_per_mille_ = 0;
    pass(jitter_);
    jitter_ = std::min<Nanos>(Nanos{interval_} / 20, 2ms);
    for (Host& host : hosts_) {
        if (violation_) return;
        host.segment = 0;
        host.script_good = true;
        if (!host.router) restart(host.index);
        if (host.paused) resume(host.index);
        if (!host.link.up) set_link(host.index, true);
    }
    if (scripted_) pass(2s);  // every script runs at least `rise` times
}

void Lan::stop(std::size_t host) { give(hosts_[host], Shutdown{}); }

void Lan::crash(std::size_t i) {
    Host& host = hosts_[i];
    host.router.reset();
    host.paused = false;
    host.inbox.clear();
    ++host.wake_number;
}

void Lan::restart(std::size_t i) { start(i, sabotage_ != Sabotage::ForgetsState); }

void Lan::pause(std::size_t i) { hosts_[i].paused = true; }

// The role's rule: all receive queues are drained before any deadline fires.
void Lan::resume(std::size_t i) {
    Host& host = hosts_[i];
    if (!host.paused) return;
    host.paused = false;
    if (sabotage_ == Sabotage::DeadlinesFirst) give(host, DeadlineReached{});
    for (const Packet& packet : std::exchange(host.inbox, {}))
        if (!violation_) hear(host, packet);
    if (!violation_) give(host, DeadlineReached{});
}

void Lan::set_link(std::size_t i, bool up) {
    Host& host = hosts_[i];
    host.link.up = up;
    if (host.router) give(host, host.link);
}

void Lan::steal_address(std::size_t i) {
    Host& host = hosts_[i];
    if (host.kernel.empty()) return;
    const auto stolen = *host.kernel.begin();
    host.kernel.erase(host.kernel.begin());
    give(host, AddressLost{stolen.first, stolen.second});
}

void Lan::reload(std::size_t i) {
    Host& host = hosts_[i];
    const auto priority = static_cast<std::uint8_t>(1 + draw(254));
    for (auto& c : host.config.instances) {
        if (grouped_ || chance(500)) c.priority = priority;
        if (c.addresses.size() > 1 && chance(500)) c.addresses.pop_back();
        const auto last = static_cast<std::uint32_t>(c.virtual_router_id) * 256 + static_cast<std::uint32_t>(draw(8));
        const Prefix fresh{IpAddress::v4(0x0a08'0000 + last), 32};
        if (std::ranges::find(c.addresses, fresh, &config::VirtualAddress::prefix) == c.addresses.end())
            c.addresses.push_back({.prefix = fresh});
    }
    carry_out(host, host.router->reload(host.config, now_));
    check(host, nullptr);
    schedule_wake(host);
}

// Master-down time of the lowest priority and one interval, plus what the packets take.
Nanos Lan::settle_time() const {
    const Nanos skew = version_ == 2 ? Nanos{1s} : Nanos{interval_};
    return Nanos{interval_} * 3 + skew + interval_ + 10ms;
}

}  // namespace mainstay::sim
