#include "mainstay/wire/vrrp_auth.hpp"

#include <doctest/doctest.h>

#include "../addr.hpp"
#include "hex.hpp"
#include "mainstay/wire/vrrp.hpp"

using namespace mainstay;
using namespace mainstay::wire;
using test::addr;
using test::from_hex;
using test::to_hex;

namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span{text});
    return {bytes.begin(), bytes.end()};
}

// As keepalived 2.2.7 sent it on a wire, with auth_pass secret12.
constexpr auto kIpHeader = "45 c0 00 40 00 01 00 00 ff 33 16 04 c0 a8 04 0b e0 00 00 12";
constexpr auto kAh = "70 04 00 00 c0 a8 04 0b 00 00 00 01 85 bc 5b ae 0a 4e f3 b3 ce 13 cb 9a";
constexpr auto kVrrp = "21 33 96 01 02 01 81 59 c0 a8 04 c8 00 00 00 00 00 00 00 00";

// The HMACs were computed by Python's hmac over the layout that docs/compatibility.md describes.
constexpr auto kV4 = "31 33 96 01 00 64 3a c4 0a 09 09 09";
constexpr auto kV4Trailer = "01 07 00 00 65 00 00 00 80 00 00 01 9b 3b b3 ba ba 4c 9a f0 56 67 13 d8 b9 9d 7c d0";
constexpr auto kV6Signed =
    "31 33 96 01 00 64 57 9b fe 80 00 00 00 00 00 00 00 00 00 00 00 00 00 09 "
    "01 07 00 00 65 00 00 00 80 00 00 01 35 88 e0 f0 10 7c 45 18 04 a3 a2 28 0e 0a dd 19";

std::vector<std::byte> key32() {
    std::vector<std::byte> key;
    for (unsigned i = 1; i <= 32; ++i) key.push_back(static_cast<std::byte>(i));
    return key;
}

std::vector<std::byte> payload() { return from_hex(std::string{kAh} + kVrrp); }

}  // namespace

TEST_CASE("keepalived's authentication header is read, found right, and made to the byte") {
    const auto header = decode_ah(payload());
    REQUIRE(header);
    CHECK(header->next_header == 112);
    CHECK(header->spi == 0xc0a8'040b);
    CHECK(header->sequence == 1);
    CHECK(ah_right(from_hex(kIpHeader), payload(), bytes_of("secret12")));

    const auto key = bytes_of("secret12");
    const AhSeal seal{.source = addr("192.168.4.11"), .destination = addr("224.0.0.18"), .sequence = 1, .key = key};
    CHECK(to_hex(encode_ah(seal, from_hex(kVrrp))) == std::string{kAh} + " " + kVrrp);
}

TEST_CASE("what the authentication header vouches for cannot be changed; TOS, fragment, TTL and checksum can") {
    const auto key = bytes_of("secret12");
    for (std::size_t i = 0; i < payload().size(); ++i) {
        CAPTURE(i);
        auto changed = payload();
        changed[i] ^= std::byte{0x40};
        CHECK_FALSE(ah_right(from_hex(kIpHeader), changed, key));
    }
    for (std::size_t i = 0; i < 20; ++i) {
        CAPTURE(i);
        auto changed = from_hex(kIpHeader);
        changed[i] ^= std::byte{0x40};
        const bool mutable_field = i == 1 || i == 6 || i == 7 || i == 8 || i == 10 || i == 11;
        CHECK(ah_right(changed, payload(), key) == mutable_field);
    }
    CHECK_FALSE(ah_right(from_hex(kIpHeader), payload(), bytes_of("secret13")));
    CHECK_FALSE(ah_right({}, payload(), key));
}

TEST_CASE("a header that is cut off or of another length is none") {
    const auto whole = payload();
    for (std::size_t length = 0; length < kAhLength; ++length) CHECK_FALSE(decode_ah(std::span{whole}.first(length)));
    CHECK(decode_ah(std::span{whole}.first(kAhLength)));
    auto other = whole;
    other[1] = std::byte{5};
    CHECK_FALSE(decode_ah(other));
}

TEST_CASE("a packet that resigns has priority 0, also behind an authentication header") {
    constexpr std::uint8_t kVrrp = 112;
    std::vector<std::byte> packet(8, std::byte{1});
    CHECK_FALSE(resigns(packet, kVrrp));
    packet[2] = std::byte{0};
    CHECK(resigns(packet, kVrrp));
    CHECK_FALSE(resigns(packet, kAhProtocol));
    CHECK_FALSE(resigns(std::span{packet}.first(2), kVrrp));
    packet.insert(packet.begin(), kAhLength, std::byte{1});
    CHECK_FALSE(resigns(packet, kVrrp));
    CHECK(resigns(packet, kAhProtocol));
    CHECK_FALSE(resigns(std::span{packet}.first(kAhLength + 2), kAhProtocol));
}

TEST_CASE("a trailer is made, read and found right, over both families") {
    const auto signed4 = encode_trailer(from_hex(kV4), {.key_id = 7, .sequence = 0x6500'0000'8000'0001},
                                        addr("10.0.0.2"), addr("224.0.0.18"), key32());
    CHECK(to_hex(signed4) == std::string{kV4} + " " + kV4Trailer);

    const auto trailer = decode_trailer(from_hex(kV4Trailer));
    REQUIRE(trailer);
    CHECK(trailer->key_id == 7);
    CHECK(trailer->sequence == 0x6500'0000'8000'0001);
    CHECK(trailer_right(from_hex(kV4), *trailer, addr("10.0.0.2"), key32()));
    CHECK_FALSE(trailer_right(from_hex(kV4), *trailer, addr("10.0.0.3"), key32()));

    const auto plain6 = encode_vrrp({.version = 3,
                                     .virtual_router_id = 51,
                                     .priority = 150,
                                     .interval = std::chrono::seconds{1},
                                     .addresses = {addr("fe80::9")}},
                                    addr("fe80::2"), addr("ff02::12"));
    const auto signed6 = encode_trailer(plain6, {.key_id = 7, .sequence = 0x6500'0000'8000'0001}, addr("fe80::2"),
                                        addr("ff02::12"), key32());
    CHECK(to_hex(signed6) == kV6Signed);
    CHECK(ipv6_checksum_right(signed6, addr("fe80::2"), addr("ff02::12")));
    CHECK_FALSE(ipv6_checksum_right(signed6, addr("fe80::3"), addr("ff02::12")));
}

TEST_CASE("no byte of a signed packet can be changed, its checksum apart") {
    const auto packet = from_hex(kV4), trailer = from_hex(kV4Trailer);
    for (std::size_t i = 0; i < packet.size(); ++i) {
        CAPTURE(i);
        auto changed = packet;
        changed[i] ^= std::byte{0x01};
        const bool checksum = i == 6 || i == 7;
        CHECK(trailer_right(changed, *decode_trailer(trailer), addr("10.0.0.2"), key32()) == checksum);
    }
    for (std::size_t i = 0; i < trailer.size(); ++i) {
        CAPTURE(i);
        auto changed = trailer;
        changed[i] ^= std::byte{0x01};
        CHECK_FALSE(trailer_right(packet, *decode_trailer(changed), addr("10.0.0.2"), key32()));
    }
    CHECK_FALSE(decode_trailer(std::span{trailer}.first(27)));
}

TEST_CASE("the shortest packet, without an address, can be signed, and nothing shorter") {
    const auto shortest = from_hex("31 33 96 00 00 64 00 00");
    const auto key = key32();
    const auto signed_one =
        encode_trailer(shortest, {.key_id = 7, .sequence = 9}, addr("10.0.0.2"), addr("224.0.0.18"), key);
    REQUIRE(signed_one.size() == shortest.size() + 28);
    const auto trailer = decode_trailer(std::span{signed_one}.subspan(shortest.size()));
    REQUIRE(trailer);
    CHECK(trailer_right(shortest, *trailer, addr("10.0.0.2"), key));
    CHECK_FALSE(trailer_right(std::span{shortest}.first(7), *trailer, addr("10.0.0.2"), key));
    CHECK(encode_trailer(std::span{shortest}.first(7), {}, addr("10.0.0.2"), addr("224.0.0.18"), key).empty());
}
