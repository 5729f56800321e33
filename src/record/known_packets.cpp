#include "mainstay/record/known_packets.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "mainstay/record/intents.hpp"

namespace mainstay::record {
namespace {

constexpr std::size_t kPlacesAtFirst = 64;

// Gives each part that is compared to `visit`, until that returns false; what differs in most packets comes first.
template <class Visit>
bool each_part(const vrrp::PacketHeard& packet, Visit&& visit) {
    return visit(packet.payload) && visit(packet.ip_header) && visit(packet.source.bytes()) &&
           visit(packet.destination.bytes()) && visit(std::as_bytes(std::span{packet.interface}));
}

// Over what differs in most packets; equals() compares all of it.
std::uint64_t quick_hash(const vrrp::PacketHeard& packet) {
    return hash_of(packet.payload, hash_of(packet.source.bytes(), hash_of(std::as_bytes(std::span{packet.interface}))));
}

}  // namespace

KnownPackets::Shape KnownPackets::shape_of(const vrrp::PacketHeard& packet) {
    return {.payload_size = packet.payload.size(),
            .header_size = packet.ip_header.size(),
            .interface_size = packet.interface.size(),
            .source = packet.source.family(),
            .destination = packet.destination.family(),
            .ttl = packet.ttl,
            .protocol = packet.protocol};
}

bool KnownPackets::equals(const Known& known, const vrrp::PacketHeard& packet) const {
    if (known.shape != shape_of(packet)) return false;
    const std::byte* at = bytes_.data() + known.bytes_at;
    const auto next = [&](std::span<const std::byte> part) {
        return part.empty() || std::memcmp(std::exchange(at, at + part.size()), part.data(), part.size()) == 0;
    };
    return each_part(packet, next);
}

std::size_t KnownPackets::place_of(std::uint64_t hash, const vrrp::PacketHeard* packet) const {
    const std::size_t mask = index_.size() - 1;
    std::size_t place = (hash ^ hash >> 32) & mask;
    for (; index_[place] != 0; place = (place + 1) & mask) {
        const Known& known = packets_[index_[place] - 1];
        if (packet != nullptr && known.hash == hash && equals(known, *packet)) break;
    }
    return place;
}

std::optional<std::size_t> KnownPackets::find(const vrrp::PacketHeard& packet) {
    if (packets_.empty()) return std::nullopt;
    if (next_ >= packets_.size()) next_ = 0;
    if (!equals(packets_[next_], packet)) {
        const std::uint32_t found = index_[place_of(quick_hash(packet), &packet)];
        if (found == 0) return std::nullopt;
        next_ = found - 1;
    }
    return packets_[next_++].at;
}

void KnownPackets::keep(const vrrp::PacketHeard& packet, std::size_t at) {
    if (packet.ip_header.size() + packet.payload.size() > kBytesMax) return;
    if (packets_.size() == kMost) forget();
    if ((packets_.size() + 1) * 2 > index_.size()) grow();
    const std::uint64_t hash = quick_hash(packet);
    const std::size_t place = place_of(hash, &packet);
    if (index_[place] != 0) return;
    packets_.push_back({.hash = hash, .at = at, .bytes_at = bytes_.size(), .shape = shape_of(packet)});
    each_part(packet, [&](std::span<const std::byte> part) {
        bytes_.insert(bytes_.end(), part.begin(), part.end());
        return true;
    });
    index_[place] = static_cast<std::uint32_t>(packets_.size());
}

void KnownPackets::grow() {
    index_.assign(std::max(kPlacesAtFirst, index_.size() * 2), 0);
    for (std::size_t n = 0; n < packets_.size(); ++n)
        index_[place_of(packets_[n].hash, nullptr)] = static_cast<std::uint32_t>(n + 1);
}

void KnownPackets::forget() {
    packets_.clear();
    bytes_.clear();
    std::ranges::fill(index_, 0U);
}

}  // namespace mainstay::record
