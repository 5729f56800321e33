#include "announcer.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "addresses.hpp"
#include "mainstay/wire/arp.hpp"
#include "mainstay/wire/nd.hpp"

namespace mainstay::role {

std::vector<Announcer::Place> Announcer::places_of(std::span<const kernel::Address> addresses) const {
    std::vector<Place> places;
    for (const auto& address : addresses)
        if (const auto* link = links_.find(address.interface_index); link != nullptr)
            places.push_back({link, address.prefix.address});
    return places;
}

const std::string& Announcer::network_of(const Place& place) const {
    const bool over = place.link->kind == "macvlan" || place.link->kind == "ipvlan";
    const auto* parent = over ? links_.find(place.link->parent) : nullptr;
    return parent == nullptr ? place.link->name : parent->name;
}

bool Announcer::paced(const Place& place) const {
    return pacer_.distance(network_of(place), place.address.family()) > Micros{0};
}

Announcer::Round Announcer::first_round(std::span<const kernel::Address> addresses) const {
    auto places = places_of(addresses);
    std::erase_if(places, [this](const Place& place) { return paced(place); });
    return round_of(places);
}

void Announcer::announce(std::span<const kernel::Address> addresses, std::uint32_t rounds, bool begun) {
    auto places = places_of(addresses);
    for (const Place& place : places)
        if (paced(place)) pacer_.ask(network_of(place), {place.link->name, place.address}, rounds, now_());
    next();
    std::erase_if(places, [this](const Place& place) { return paced(place); });
    if (rounds == 0) return;
    const Round round = round_of(places);
    if (const std::uint32_t left = rounds - (begun ? 1 : 0); left > 0) send(round, left);
    log_sent(places);
}

void Announcer::announce_on(const std::set<std::string>& interfaces, const vrrp::Router& router) {
    if (interfaces.empty()) return;
    const auto state = router.snapshot();
    for (std::size_t id = 0; id < state.instances.size(); ++id) {
        if (!state.instances[id].owns_addresses) continue;
        const auto& instance = router.config().instances[id];
        auto held = address_requests(instance, {}, links_);
        std::erase_if(held, [&](const kernel::Address& address) {
            const auto* link = links_.find(address.interface_index);
            return link == nullptr || !interfaces.contains(link->name);
        });
        if (held.empty()) continue;
        log_.notice("({}) another MAC address on {}: announcing {} {}", instance.name,
                    links_.find(held.front().interface_index)->name, held.size(),
                    held.size() == 1 ? "address" : "addresses");
        announce(held, instance.garp_master_repeat);
    }
}

void Announcer::announce(const vrrp::AnnounceAddress& own) {
    if (const auto* link = links_.find(own.interface); link != nullptr) announce_once({{link, own.address}});
}

Announcer::Round Announcer::round_of(std::vector<Place>& places) const {
    std::map<std::uint32_t, Frames> arps, advertisements;  // by interface
    std::erase_if(places, [&](const Place& place) {
        wire::MacAddress mac{};
        if (place.link->no_arp || place.link->hardware_address.size() != mac.size()) return true;
        std::ranges::copy(place.link->hardware_address, mac.begin());
        const std::uint32_t index = place.link->index;
        const auto frame = place.address.is_v4()
                               ? wire::gratuitous_arp(mac, place.address)
                               : wire::unsolicited_na(mac, place.address, links_.forwards_ipv6(index));
        if (frame) (place.address.is_v4() ? arps : advertisements)[index].emplace_back(frame->begin(), frame->end());
        return !frame;
    });
    Round round;
    for (auto* frames : {&arps, &advertisements}) std::ranges::move(*frames, std::back_inserter(round));
    return round;
}

void Announcer::send(const Round& round, std::uint32_t rounds) {
    for (const auto& [index, frames] : round) {
        if (rounds == 1) {
            transport_.send_frames(index, frames);
            continue;
        }
        Frames all;
        all.reserve(frames.size() * rounds);
        for (std::uint32_t n = 0; n < rounds; ++n) all.insert(all.end(), frames.begin(), frames.end());
        transport_.send_frames(index, all);
    }
}

void Announcer::announce_once(std::vector<Place> places) {
    send(round_of(places), 1);
    log_sent(places);
}

// Called after the packets were sent, because a log line per address takes time.
void Announcer::log_sent(const std::vector<Place>& places) const {
    for (const Place& place : places)
        log_.debug("Sending {} on {} for {}", place.address.is_v4() ? "gratuitous ARP" : "unsolicited Neighbour Advert",
                   place.link->name, place.address.to_string());
}

void Announcer::next() {
    std::vector<Place> places;
    for (const auto& item : pacer_.take_due(now_()))
        if (const auto* link = links_.find(item.interface); link != nullptr) places.push_back({link, item.address});
    announce_once(std::move(places));
    const auto due = pacer_.deadline();
    if (!due) return;
    timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(*due));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) next();
    });
}

void Announcer::close() {
    timer_.cancel();
    pacer_.clear();
}

}  // namespace mainstay::role
