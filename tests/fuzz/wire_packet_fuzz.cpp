// What raw and packet sockets deliver: ARP frames, and IPv4 packets with a VRRP authentication header or an
// HMAC-SHA256 trailer in them. Reading never goes past the end, and what is signed anew is believed.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "mainstay/wire/arp.hpp"
#include "mainstay/wire/ipv4.hpp"
#include "mainstay/wire/vrrp.hpp"
#include "mainstay/wire/vrrp_auth.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;
using fuzz::require;
using Bytes = std::span<const std::byte>;

namespace {

constexpr std::array kKey{std::byte{'k'}, std::byte{'e'}, std::byte{'y'}};

bool within(Bytes part, Bytes whole) {
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void try_arp(Bytes frame) {
    const auto packet = wire::decode_arp(frame);
    if (!packet) return;
    require(packet->sender.is_v4() && packet->target.is_v4());
    require(wire::decode_arp(frame.first(std::min<std::size_t>(frame.size(), 42))) == packet);
}

void try_authentication_header(const wire::Ipv4Packet& packet) {
    const auto header = wire::decode_ah(packet.payload);
    require(header || !wire::ah_right(packet.header, packet.payload, kKey));
    if (!header) return;
    static_cast<void>(wire::ah_right(packet.header, packet.payload, kKey));
    const auto inside = packet.payload.subspan(wire::kAhLength);
    const auto again = wire::encode_ah({.source = packet.source,
                                        .destination = packet.destination,
                                        .ip_id = 1,
                                        .ttl = 255,
                                        .sequence = header->sequence,
                                        .key = kKey},
                                       inside);
    const auto read = wire::decode_ah(again);
    require(read && read->sequence == header->sequence && again.size() == packet.payload.size());
}

void try_trailer(Bytes payload, const IpAddress& source, const IpAddress& destination) {
    static_cast<void>(wire::decode_trailer(payload));
    for (const std::uint8_t protocol : {wire::kAhProtocol, std::uint8_t{112}})
        require(!wire::resigns(payload, protocol) || payload.size() > 2);
    if (payload.size() < wire::kVrrpHeaderLength + wire::kTrailerLength) return;
    const auto packet = payload.first(payload.size() - wire::kTrailerLength);
    const auto trailer = wire::decode_trailer(payload.last(wire::kTrailerLength));
    require(trailer.has_value());
    static_cast<void>(wire::trailer_right(packet, *trailer, source, kKey));
    const auto signed_anew = wire::encode_trailer(packet, *trailer, source, destination, kKey);
    require(signed_anew.size() == payload.size());
    const Bytes bytes{signed_anew};
    const auto again = wire::decode_trailer(bytes.last(wire::kTrailerLength));
    require(again && wire::trailer_right(bytes.first(packet.size()), *again, source, kKey));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span{data, size});
    try_arp(input);
    static const IpAddress v6 = IpAddress::parse("fe80::1").value(), group6 = IpAddress::parse("ff02::12").value();
    try_trailer(input, v6, group6);
    static_cast<void>(wire::ipv6_checksum_right(input, v6, group6));
    const auto packet = wire::decode_ipv4(input);
    if (!packet) return 0;
    require(packet->header.size() >= wire::kIpv4HeaderLength && packet->header.size() <= wire::kIpv4HeaderMax);
    require(within(packet->header, input) && within(packet->payload, input));
    try_authentication_header(*packet);
    try_trailer(packet->payload, packet->source, packet->destination);
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 50'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        std::string bytes(random() % 100, '\0');
        for (auto& b : bytes) b = static_cast<char>(random());
        if (bytes.size() > 22 && random() % 8 != 0) {  // most of them with a header, and half with AH behind it
            bytes[0] = static_cast<char>(0x45 + (random() % 4 == 0));
            bytes[2] = '\0';
            if (random() % 2 == 0) bytes[21] = '\4';
        }
        return bytes;
    });
}
#endif
