#include "mainstay/wire/ipv4.hpp"

#include <algorithm>

#include "read_bytes.hpp"

namespace mainstay::wire {
namespace {

constexpr std::size_t kTotalLengthAt = 2, kTtlAt = 8, kProtocolAt = 9, kSourceAt = 12, kDestinationAt = 16;

}  // namespace

std::optional<Ipv4Packet> decode_ipv4(std::span<const std::byte> bytes) {
    if (bytes.size() < kIpv4HeaderLength || u8(bytes, 0) >> 4 != 4) return std::nullopt;
    const std::size_t header_size = std::size_t{4} * (u8(bytes, 0) & 0x0fU);
    if (header_size < kIpv4HeaderLength || header_size > bytes.size()) return std::nullopt;
    const std::size_t total = std::size_t{u8(bytes, kTotalLengthAt)} << 8 | u8(bytes, kTotalLengthAt + 1);
    const std::size_t end = std::clamp(total, header_size, bytes.size());
    return Ipv4Packet{.source = IpAddress::v4(bytes.subspan(kSourceAt).first<4>()),
                      .destination = IpAddress::v4(bytes.subspan(kDestinationAt).first<4>()),
                      .ttl = std::to_integer<std::uint8_t>(bytes[kTtlAt]),
                      .protocol = std::to_integer<std::uint8_t>(bytes[kProtocolAt]),
                      .header = bytes.first(header_size),
                      .payload = bytes.subspan(header_size, end - header_size)};
}

}  // namespace mainstay::wire
