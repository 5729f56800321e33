#include "mainstay/wire/vrrp.hpp"

#include <doctest/doctest.h>

#include "../addr.hpp"
#include "hex.hpp"

using namespace mainstay;
using namespace mainstay::wire;
using namespace std::chrono_literals;
using test::addr;
using test::from_hex;
using test::to_hex;

namespace {

// Built by scapy 2.5 from RFC 3768 and RFC 9568 fields.
constexpr auto kV2Pass = "21 33 96 02 01 01 bf 41 0a 09 09 09 0a 09 09 0a 31 31 31 31 00 00 00 00";
constexpr auto kV3 = "31 33 96 01 00 64 31 bc 0a 09 09 09";
constexpr auto kV3Over6 =
    "31 07 64 02 00 0a 40 71 fe 80 00 00 00 00 00 00 00 00 00 00 00 00 00 09 "
    "20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09";

VrrpPacket v2_pass() {
    VrrpPacket packet{.version = 2, .virtual_router_id = 51, .priority = 150, .auth_type = 1, .interval = 1s};
    packet.addresses = {addr("10.9.9.9"), addr("10.9.9.10")};
    for (std::size_t i = 0; i < 4; ++i) packet.auth[i] = std::byte{'1'};
    return packet;
}
VrrpPacket v3() {
    return {.version = 3, .virtual_router_id = 51, .priority = 150, .interval = 1s, .addresses = {addr("10.9.9.9")}};
}
VrrpPacket v3_over_6() {
    return {.version = 3,
            .virtual_router_id = 7,
            .priority = 100,
            .interval = 100ms,
            .addresses = {addr("fe80::9"), addr("2001:db8::9")}};
}

struct KnownAdvert {
    VrrpPacket packet;
    const char* bytes;
    IpAddress source, destination;
};
std::vector<KnownAdvert> known_adverts() {
    return {{v2_pass(), kV2Pass, addr("10.9.9.1"), addr("224.0.0.18")},
            {v3(), kV3, addr("10.9.9.1"), addr("224.0.0.18")},
            {v3_over_6(), kV3Over6, addr("fe80::1"), addr("ff02::12")}};
}

}  // namespace

TEST_CASE("packets are written byte for byte as the RFCs lay them out") {
    for (const KnownAdvert& k : known_adverts())
        CHECK(to_hex(encode_vrrp(k.packet, k.source, k.destination)) == std::string{k.bytes});
}

TEST_CASE("packets from another implementation are read into their fields") {
    for (const KnownAdvert& k : known_adverts()) {
        CAPTURE(k.bytes);
        const auto bytes = from_hex(k.bytes);

        const auto packet = decode_vrrp(bytes, k.source.family());

        REQUIRE(packet.has_value());
        CHECK(*packet == k.packet);
        CHECK(vrrp_checksum_right(bytes, k.source, k.destination));
    }
}

TEST_CASE("a version 2 packet without authentication still carries eight zero bytes") {
    VrrpPacket packet{.version = 2, .virtual_router_id = 1, .priority = 100, .interval = 1s};
    packet.addresses = {addr("192.0.2.1")};

    const auto bytes = encode_vrrp(packet, addr("192.0.2.7"), addr("224.0.0.18"));

    CHECK(bytes.size() == 20);
    CHECK(to_hex(std::span{bytes}.last(8)) == "00 00 00 00 00 00 00 00");
}

TEST_CASE("a version 2 packet over IPv6 carries no authentication bytes") {
    const VrrpPacket packet{.version = 2, .virtual_router_id = 1, .interval = 1s, .addresses = {addr("fe80::9")}};

    const auto bytes = encode_vrrp(packet, addr("fe80::1"), addr("ff02::12"));

    CHECK(bytes.size() == 24);
    CHECK(vrrp_checksum_right(bytes, addr("fe80::1"), addr("ff02::12")));
    CHECK_FALSE(vrrp_checksum_right(bytes, addr("fe80::2"), addr("ff02::12")));
    CHECK(decode_vrrp(bytes, Family::V6).value() == packet);
}

TEST_CASE("every truncation is refused") {
    for (const KnownAdvert& k : known_adverts()) {
        const auto bytes = from_hex(k.bytes);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CAPTURE(size);
            const auto packet = decode_vrrp(std::span{bytes}.first(size), k.source.family());
            REQUIRE_FALSE(packet.has_value());
            CHECK(packet.error() == (size < 8 ? VrrpDefect::TooShort : VrrpDefect::Length));
            CHECK_FALSE(vrrp_checksum_right(std::span{bytes}.first(size), k.source, k.destination));
        }
    }
}

TEST_CASE("Ethernet padding to 46 bytes is tolerated, and nothing beyond it") {
    auto bytes = from_hex(kV3);  // 12 bytes, 32 with the IP header
    bytes.resize(26, std::byte{0xaa});
    CHECK(decode_vrrp(bytes, Family::V4).value() == v3());
    CHECK(vrrp_checksum_right(bytes, addr("10.9.9.1"), addr("224.0.0.18")));

    bytes.resize(27);
    CHECK(decode_vrrp(bytes, Family::V4).error() == VrrpDefect::Length);

    auto over_6 = from_hex(kV3Over6);
    over_6.resize(over_6.size() + 1);
    CHECK(decode_vrrp(over_6, Family::V6).error() == VrrpDefect::Length);
}

TEST_CASE("any flipped bit breaks the checksum") {
    for (const KnownAdvert& k : known_adverts()) {
        const auto good = from_hex(k.bytes);
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
            auto bytes = good;
            bytes[bit / 8] ^= std::byte{1} << static_cast<int>(bit % 8);
            CAPTURE(bit);
            CHECK_FALSE(vrrp_checksum_right(bytes, k.source, k.destination));
        }
    }
}

TEST_CASE("a version 3 checksum is bound to source and destination, a version 2 one is not") {
    CHECK_FALSE(vrrp_checksum_right(from_hex(kV3), addr("10.9.9.2"), addr("224.0.0.18")));
    CHECK_FALSE(vrrp_checksum_right(from_hex(kV3), addr("10.9.9.1"), addr("10.9.9.2")));
    CHECK(vrrp_checksum_right(from_hex(kV2Pass), addr("10.9.9.2"), addr("10.9.9.3")));
}

TEST_CASE("intervals are cut to what the field holds") {
    VrrpPacket two{.version = 2, .interval = 300s};
    VrrpPacket three{.version = 3, .interval = 60s};
    const auto over = [](const VrrpPacket& p) {
        return decode_vrrp(encode_vrrp(p, addr("10.0.0.1"), addr("224.0.0.18")), Family::V4).value().interval;
    };

    CHECK(over(two) == 255s);
    CHECK(over(three) == 40'950ms);
}

TEST_CASE("addresses of the other family and beyond 255 are left out") {
    VrrpPacket packet{.version = 3};
    packet.addresses.push_back(addr("fe80::1"));
    for (std::uint32_t i = 0; i < 300; ++i) packet.addresses.push_back(IpAddress::v4(0x0a000000 + i));

    const auto bytes = encode_vrrp(packet, addr("10.9.9.1"), addr("224.0.0.18"));

    CHECK(bytes.size() == 8 + 255 * 4);
    const auto back = decode_vrrp(bytes, Family::V4).value();
    CHECK(back.addresses.front() == addr("10.0.0.0"));
    CHECK(back.addresses.back() == addr("10.0.0.254"));
}

TEST_CASE("a packet of an unknown version is distinguished by its header alone") {
    const auto packet = decode_vrrp(from_hex("11 33 96 ff 01 01 00 00"), Family::V4);

    REQUIRE(packet.has_value());
    CHECK(packet->version == 1);
    CHECK(packet->virtual_router_id == 51);
    CHECK(packet->addresses.empty());
}

TEST_CASE("a checksum between two families is none of IPv6, even where it adds up") {
    const VrrpPacket packet{.version = 3, .virtual_router_id = 1, .interval = 1s};
    CHECK_FALSE(ipv6_checksum_right(encode_vrrp(packet, addr("fe80::1"), addr("224.0.0.18")), addr("fe80::1"),
                                    addr("224.0.0.18")));
    CHECK_FALSE(ipv6_checksum_right(encode_vrrp(packet, addr("10.0.0.1"), addr("ff02::12")), addr("10.0.0.1"),
                                    addr("ff02::12")));
    CHECK(
        ipv6_checksum_right(encode_vrrp(packet, addr("fe80::1"), addr("ff02::12")), addr("fe80::1"), addr("ff02::12")));
}
