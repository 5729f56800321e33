#include "mainstay/wire/vrrp.hpp"

#include <algorithm>

#include "mainstay/base/checksum.hpp"
#include "mainstay/wire/ipv4.hpp"
#include "read_bytes.hpp"

namespace mainstay::wire {
namespace {

constexpr std::size_t kEthernetMinimumPayload = 46, kEthernetHeaderLength = 14;
constexpr std::size_t kIpv6HeaderLength = 40;
constexpr std::uint64_t kMaxSecondsV2 = 255;
constexpr std::uint64_t kMaxCentisecondsV3 = 0xfff;

std::size_t address_length(Family family) { return family == Family::V6 ? 16 : 4; }

bool has_auth(std::uint8_t version, Family family) { return version == 2 && family == Family::V4; }

// RFC 8200 8.1 for IPv6; RFC 9568 5.2.8 uses the same sum over the shorter addresses for IPv4. Lengths and protocol
// are words of their own, so the layouts of the two pseudo headers add up alike.
void add_pseudo_header(ChecksumSum& sum, const IpAddress& source, const IpAddress& destination, std::size_t length) {
    sum.add(source.bytes()).add(destination.bytes());
    sum.add_u16(kVrrpProtocol).add_u16(static_cast<std::uint16_t>(length));
}

std::uint16_t checksum(std::span<const std::byte> packet, std::uint8_t version, const IpAddress& source,
                       const IpAddress& destination, VrrpChecksum kind = VrrpChecksum::OfVersion) {
    ChecksumSum sum;
    const bool without = version == 2 || kind == VrrpChecksum::WithoutPseudoHeader;
    if (!without || source.is_v6()) add_pseudo_header(sum, source, destination, packet.size());
    return sum.add(packet).finish();
}

}  // namespace

std::size_t vrrp_length(std::uint8_t version, Family family, std::size_t count) {
    return kVrrpHeaderLength + count * address_length(family) + (has_auth(version, family) ? kVrrpAuthLength : 0);
}

std::size_t vrrp_addresses_max(std::uint8_t version, Family family, std::size_t mtu, std::size_t more) {
    const std::size_t ip = family == Family::V6 ? kIpv6HeaderLength : kIpv4HeaderLength;
    const std::size_t fixed = kEthernetHeaderLength + ip + vrrp_length(version, family, 0) + more;
    return mtu > fixed ? std::min((mtu - fixed) / address_length(family), kVrrpMaxAddresses) : 0;
}

std::expected<VrrpPacket, VrrpDefect> decode_vrrp(std::span<const std::byte> payload, Family family) {
    if (payload.size() < kVrrpHeaderLength) return std::unexpected{VrrpDefect::TooShort};

    VrrpPacket packet;
    packet.version = u8(payload, 0) >> 4;
    packet.type = u8(payload, 0) & 0x0f;
    packet.virtual_router_id = u8(payload, 1);
    packet.priority = u8(payload, 2);
    if (packet.version != 2 && packet.version != 3) return packet;

    const std::size_t count = u8(payload, 3);
    const std::size_t length = vrrp_length(packet.version, family, count);
    const bool padded = family == Family::V4 && payload.size() + kIpv4HeaderLength <= kEthernetMinimumPayload;
    if (payload.size() < length || (payload.size() > length && !padded)) return std::unexpected{VrrpDefect::Length};

    if (packet.version == 2) {
        packet.auth_type = u8(payload, 4);
        packet.interval = Seconds{u8(payload, 5)};
    } else {
        packet.interval = Micros{10'000} * ((u8(payload, 4) & 0x0f) << 8 | u8(payload, 5));
    }
    packet.addresses.reserve(count);
    auto rest = payload.subspan(kVrrpHeaderLength);
    for (std::size_t i = 0; i < count; ++i, rest = rest.subspan(address_length(family)))
        packet.addresses.push_back(family == Family::V6 ? IpAddress::v6(rest.first<16>())
                                                        : IpAddress::v4(rest.first<4>()));
    if (has_auth(packet.version, family)) std::ranges::copy(rest.first(kVrrpAuthLength), packet.auth.begin());
    return packet;
}

bool vrrp_checksum_right(std::span<const std::byte> payload, const IpAddress& source, const IpAddress& destination) {
    if (payload.size() < kVrrpHeaderLength || source.empty() || source.family() != destination.family()) return false;
    const auto version = static_cast<std::uint8_t>(u8(payload, 0) >> 4);
    const std::size_t length = vrrp_length(version, source.family(), u8(payload, 3));
    if (payload.size() < length) return false;
    return checksum(payload.first(length), version, source, destination) == 0;
}

bool ipv6_checksum_right(std::span<const std::byte> payload, const IpAddress& source, const IpAddress& destination) {
    if (!source.is_v6() || !destination.is_v6()) return false;
    return checksum(payload, 3, source, destination) == 0;
}

std::vector<std::byte> encode_vrrp(const VrrpPacket& packet, const IpAddress& source, const IpAddress& destination,
                                   VrrpChecksum kind) {
    const Family family = source.family();
    const auto micros = static_cast<std::uint64_t>(std::max(packet.interval, Micros{0}).count());

    std::vector<std::byte> bytes;
    bytes.reserve(vrrp_length(packet.version, family, packet.addresses.size()));
    bytes.resize(kVrrpHeaderLength);
    std::size_t count = 0;
    for (const IpAddress& address : packet.addresses) {
        if (address.family() != family || count == kVrrpMaxAddresses) continue;
        bytes.insert(bytes.end(), address.bytes().begin(), address.bytes().end());
        ++count;
    }
    bytes[0] = std::byte(packet.version << 4 | packet.type);
    bytes[1] = std::byte{packet.virtual_router_id};
    bytes[2] = std::byte{packet.priority};
    bytes[3] = std::byte(count);
    if (packet.version == 2) {
        bytes[4] = std::byte{packet.auth_type};
        bytes[5] = std::byte(std::min(micros / 1'000'000, kMaxSecondsV2));
    } else {
        const std::uint64_t centiseconds = std::min(micros / 10'000, kMaxCentisecondsV3);
        bytes[4] = std::byte(centiseconds >> 8);
        bytes[5] = std::byte(centiseconds & 0xff);
    }
    if (has_auth(packet.version, family)) bytes.insert(bytes.end(), packet.auth.begin(), packet.auth.end());

    const std::uint16_t sum = checksum(bytes, packet.version, source, destination, kind);
    bytes[6] = std::byte(sum >> 8);
    bytes[7] = std::byte(sum & 0xff);
    return bytes;
}

}  // namespace mainstay::wire
