#include "mainstay/wire/vrrp_auth.hpp"

#include <nettle/hmac.h>
#include <nettle/memops.h>

#include <algorithm>

#include "mainstay/base/checksum.hpp"
#include "mainstay/wire/ipv4.hpp"
#include "mainstay/wire/vrrp.hpp"

namespace mainstay::wire {
namespace {

constexpr std::uint8_t kAhLengthField = kAhLength / 4 - 2;  // RFC 2402 2.2: 32-bit words, less two
constexpr std::size_t kIcvAt = 12;
constexpr std::uint8_t kFullTtl = 255;
constexpr std::size_t kTrailerHmacAt = kTrailerLength - kTrailerHmacLength;

using Bytes = std::vector<std::byte>;

void put16(std::span<std::byte> at, std::uint16_t value) {
    at[0] = std::byte(value >> 8);
    at[1] = std::byte(value & 0xff);
}

void put32(std::span<std::byte> at, std::uint32_t value) {
    put16(at, static_cast<std::uint16_t>(value >> 16));
    put16(at.subspan(2), static_cast<std::uint16_t>(value & 0xffff));
}

std::uint32_t get32(std::span<const std::byte> at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(at[i]);
    return value;
}

const std::uint8_t* octets(std::span<const std::byte> bytes) {
    return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

// The first N bytes of the HMAC. Nettle 4 knows the digest's length by itself.
template <std::size_t N, class Context>
std::array<std::byte, N> hmac(void (*set_key)(Context*, std::size_t, const std::uint8_t*),
                              void (*update)(Context*, std::size_t, const std::uint8_t*), auto digest,
                              std::span<const std::byte> key, std::span<const std::byte> text) {
    Context context;
    set_key(&context, key.size(), octets(key));
    update(&context, text.size(), octets(text));
    std::array<std::uint8_t, 32> all{};  // SHA-256's
    static_assert(N <= MD5_DIGEST_SIZE || sizeof context == sizeof(hmac_sha256_ctx));
    if constexpr (requires { digest(&context, all.data()); })
        digest(&context, all.data());
    else
        digest(&context, N, all.data());
    std::array<std::byte, N> out{};
    std::ranges::transform(std::span{all}.first<N>(), out.begin(), [](std::uint8_t octet) { return std::byte{octet}; });
    return out;
}

template <std::size_t N>
bool same(const std::array<std::byte, N>& a, const std::array<std::byte, N>& b) {
    return ::memeql_sec(a.data(), b.data(), N) != 0;  // in constant time
}

// The check value over an IP header and payload, with the mutable fields as in keepalived.
std::array<std::byte, kAhIcvLength> icv(std::span<const std::byte> ip_header, std::span<const std::byte> ip_payload,
                                        std::span<const std::byte> key, std::uint8_t ttl) {
    Bytes text{ip_header.begin(), ip_header.end()};
    text[1] = std::byte{0};            // TOS
    text[6] = text[7] = std::byte{0};  // flags and fragment offset
    text[8] = std::byte{ttl};
    text[10] = text[11] = std::byte{0};  // checksum
    text.insert(text.end(), ip_payload.begin(), ip_payload.end());
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(ip_header.size() + kIcvAt), kAhIcvLength, std::byte{0});
    return hmac<kAhIcvLength>(::hmac_md5_set_key, ::hmac_md5_update, ::hmac_md5_digest, key, text);
}

// The bytes that the trailer's HMAC covers: a pseudo header, the packet without its checksum, the trailer without HMAC.
std::array<std::byte, kTrailerHmacLength> trailer_hmac(std::span<const std::byte> packet,
                                                       std::span<const std::byte> trailer, const IpAddress& source,
                                                       std::span<const std::byte> key) {
    Bytes text(4 + 16);
    text[0] = std::byte{source.is_v6() ? std::uint8_t{6} : std::uint8_t{4}};
    text[1] = packet[0] >> 4;
    text[2] = packet[1];
    std::ranges::copy(source.bytes(), text.begin() + 4);
    const std::size_t at = text.size();
    text.insert(text.end(), packet.begin(), packet.end());
    text[at + kVrrpChecksumAt] = text[at + kVrrpChecksumAt + 1] = std::byte{0};
    text.insert(text.end(), trailer.begin(), trailer.begin() + kTrailerHmacAt);
    text.resize(text.size() + kTrailerHmacLength);
    return hmac<kTrailerHmacLength>(::hmac_sha256_set_key, ::hmac_sha256_update, ::hmac_sha256_digest, key, text);
}

// The HMAC stays zero here; it is computed over the other fields.
std::array<std::byte, kTrailerLength> bytes_of(const AuthTrailer& trailer) {
    std::array<std::byte, kTrailerLength> bytes{};
    bytes[0] = std::byte{trailer.type};
    bytes[1] = std::byte{trailer.key_id};
    put16(std::span{bytes}.subspan(2), trailer.reserved);
    put32(std::span{bytes}.subspan(4), static_cast<std::uint32_t>(trailer.sequence >> 32));
    put32(std::span{bytes}.subspan(8), static_cast<std::uint32_t>(trailer.sequence));
    return bytes;
}

}  // namespace

std::optional<AhHeader> decode_ah(std::span<const std::byte> p) {
    if (p.size() < kAhLength || p[1] != std::byte{kAhLengthField}) return std::nullopt;
    AhHeader header{.next_header = std::to_integer<std::uint8_t>(p[0]),
                    .spi = get32(p.subspan(4)),
                    .sequence = get32(p.subspan(8))};
    std::ranges::copy(p.subspan(kIcvAt, kAhIcvLength), header.icv.begin());
    return header;
}

bool resigns(std::span<const std::byte> ip_payload, std::uint8_t protocol) {
    constexpr std::size_t kPriorityAt = 2;  // RFC 5798 5.1
    const std::size_t at = kPriorityAt + (protocol == kAhProtocol ? kAhLength : 0);
    return ip_payload.size() > at && ip_payload[at] == std::byte{0};
}

std::vector<std::byte> encode_ah(const AhSeal& seal, std::span<const std::byte> packet) {
    Bytes ip(kIpv4HeaderLength), out(kAhLength);
    ip[0] = std::byte{0x45};
    put16(std::span{ip}.subspan(2), static_cast<std::uint16_t>(kIpv4HeaderLength + kAhLength + packet.size()));
    put16(std::span{ip}.subspan(4), seal.ip_id);
    ip[9] = std::byte{kAhProtocol};
    std::ranges::copy(seal.source.bytes(), ip.begin() + 12);
    std::ranges::copy(seal.destination.bytes(), ip.begin() + 16);
    out[0] = std::byte{kVrrpProtocol};
    out[1] = std::byte{kAhLengthField};
    std::ranges::copy(seal.source.bytes(), out.begin() + 4);
    put32(std::span{out}.subspan(8), seal.sequence);
    out.insert(out.end(), packet.begin(), packet.end());
    std::ranges::copy(icv(ip, out, seal.key, seal.ttl), out.begin() + kIcvAt);
    return out;
}

bool ah_right(std::span<const std::byte> ip_header, std::span<const std::byte> ip_payload,
              std::span<const std::byte> key) {
    const auto header = decode_ah(ip_payload);
    if (!header || ip_header.size() != kIpv4HeaderLength) return false;
    return std::ranges::any_of(
        std::array{std::to_integer<std::uint8_t>(ip_header[8]), kFullTtl, std::uint8_t{0}},
        [&](std::uint8_t ttl) { return same(icv(ip_header, ip_payload, key, ttl), header->icv); });
}

std::optional<AuthTrailer> decode_trailer(std::span<const std::byte> bytes) {
    if (bytes.size() != kTrailerLength) return std::nullopt;
    AuthTrailer trailer;
    trailer.type = std::to_integer<std::uint8_t>(bytes[0]);
    trailer.key_id = std::to_integer<std::uint8_t>(bytes[1]);
    trailer.reserved = static_cast<std::uint16_t>(get32(bytes) & 0xffff);
    trailer.sequence = std::uint64_t{get32(bytes.subspan(4))} << 32 | get32(bytes.subspan(8));
    std::ranges::copy(bytes.subspan(kTrailerHmacAt), trailer.hmac.begin());
    return trailer;
}

std::vector<std::byte> encode_trailer(std::span<const std::byte> packet, const AuthTrailer& trailer,
                                      const IpAddress& source, const IpAddress& destination,
                                      std::span<const std::byte> key) {
    Bytes out{packet.begin(), packet.end()};
    if (packet.size() < kVrrpHeaderLength) return {};
    auto tail = bytes_of(trailer);
    std::ranges::copy(trailer_hmac(packet, tail, source, key), tail.begin() + kTrailerHmacAt);
    out.insert(out.end(), tail.begin(), tail.end());
    if (source.is_v6()) {
        out[kVrrpChecksumAt] = out[kVrrpChecksumAt + 1] = std::byte{0};
        ChecksumSum sum;
        sum.add(source.bytes()).add(destination.bytes());
        sum.add_u16(kVrrpProtocol).add_u16(static_cast<std::uint16_t>(out.size()));
        put16(std::span{out}.subspan(kVrrpChecksumAt), sum.add(out).finish());
    }
    return out;
}

bool trailer_right(std::span<const std::byte> packet, const AuthTrailer& trailer, const IpAddress& source,
                   std::span<const std::byte> key) {
    if (packet.size() < kVrrpHeaderLength) return false;
    return same(trailer_hmac(packet, bytes_of(trailer), source, key), trailer.hmac);
}

}  // namespace mainstay::wire
