#include "vrrp_announcer.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/wire/arp.hpp"
#include "mainstay/wire/nd.hpp"
#include "vrrp_addresses.hpp"

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

void Announcer::begin(std::span<const kernel::Address> addresses) {
    auto places = places_of(addresses);
    std::erase_if(places, [this](const Place& place) { return paced(place); });
    announce(std::move(places), 1);
}

void Announcer::announce(std::span<const kernel::Address> addresses, std::uint32_t rounds, bool begun) {
    auto places = places_of(addresses);
    for (const Place& place : places)
        if (paced(place)) pacer_.ask(network_of(place), {place.link->name, place.address}, rounds, now_());
    next();
    std::erase_if(places, [this](const Place& place) { return paced(place); });
    announce(std::move(places), rounds - (begun && rounds > 0 ? 1 : 0), !begun);
}

void Announcer::announce(const vrrp::AnnounceAddress& own) {
    if (const auto* link = links_.find(own.interface); link != nullptr) announce({{link, own.address}}, 1);
}

void Announcer::announce(std::vector<Place> places, std::uint32_t rounds, bool tell) {
    std::map<std::uint32_t, Frames> arps, advertisements;  // one round of them, by interface
    std::erase_if(places, [&](const Place& place) {
        wire::MacAddress mac{};
        if (place.link->no_arp || place.link->hardware_address.size() != mac.size()) return true;
        std::ranges::copy(place.link->hardware_address, mac.begin());
        const std::uint32_t index = place.link->index;
        const auto frame = place.address.is_v4() ? wire::gratuitous_arp(mac, place.address)
                                                 : wire::unsolicited_na(mac, place.address, links_.forwards_ipv6(index));
        if (frame) (place.address.is_v4() ? arps : advertisements)[index].emplace_back(frame->begin(), frame->end());
        return !frame;
    });
    for (auto* frames : {&arps, &advertisements})
        for (const auto& [index, round] : *frames) {
            Frames all;
            all.reserve(round.size() * rounds);
            for (std::uint32_t n = 0; n < rounds; ++n) all.insert(all.end(), round.begin(), round.end());
            transport_.send_frames(index, all);
        }
    if (rounds == 0 || !tell) return;
    for (const Place& place : places)  // after they went out: a line per address takes its time
        log_.debug("Sending {} on {} for {}",
                   place.address.is_v4() ? "gratuitous ARP" : "unsolicited Neighbour Advert", place.link->name,
                   place.address.to_string());
}

void Announcer::next() {
    std::vector<Place> places;
    for (const auto& item : pacer_.take_due(now_()))
        if (const auto* link = links_.find(item.interface); link != nullptr) places.push_back({link, item.address});
    if (!places.empty()) announce(std::move(places), 1);
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
