#include "mainstay/wire/ipv4.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace mainstay;

namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
    std::vector<std::byte> bytes;
    for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
    return bytes;
}

// 10.0.0.1 to 224.0.0.18, TTL 255, protocol 112, with `payload` bytes behind the header.
std::vector<std::byte> packet(int first, int total, std::size_t size) {
    auto bytes = bytes_of({first, 0xc0, 0, total, 0, 1, 0, 0, 255, 112, 0, 0, 10, 0, 0, 1, 224, 0, 0, 18});
    for (std::size_t i = bytes.size(); i < size; ++i) bytes.push_back(static_cast<std::byte>(i));
    return bytes;
}

}  // namespace

TEST_CASE("the fields of an IPv4 header are read, and what follows it is the payload") {
    const auto bytes = packet(0x45, 23, 23);

    const auto read = wire::decode_ipv4(bytes);

    REQUIRE(read);
    CHECK(read->source == IpAddress::parse("10.0.0.1").value());
    CHECK(read->destination == IpAddress::parse("224.0.0.18").value());
    CHECK(read->ttl == 255);
    CHECK(read->protocol == 112);
    CHECK(read->header.size() == 20);
    CHECK(std::vector(read->payload.begin(), read->payload.end()) == bytes_of({20, 21, 22}));
}

TEST_CASE("options belong to the header") {
    const auto bytes = packet(0x46, 26, 26);

    const auto read = wire::decode_ipv4(bytes);

    REQUIRE(read);
    CHECK(read->header.size() == 24);
    CHECK(std::vector(read->payload.begin(), read->payload.end()) == bytes_of({24, 25}));
}

TEST_CASE("padding behind a short packet is left out, and a packet that was cut off has what came of it") {
    CHECK(wire::decode_ipv4(packet(0x45, 22, 46))->payload.size() == 2);
    CHECK(wire::decode_ipv4(packet(0x45, 200, 30))->payload.size() == 10);
    CHECK(wire::decode_ipv4(packet(0x45, 3, 30))->payload.empty());  // less than its own header
}

TEST_CASE("what is no whole IPv4 header is not read") {
    const auto whole = packet(0x45, 20, 20);
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK_FALSE(wire::decode_ipv4(std::span{whole}.first(size)));
    CHECK(wire::decode_ipv4(whole));
    CHECK_FALSE(wire::decode_ipv4(packet(0x65, 20, 20)));
    CHECK_FALSE(wire::decode_ipv4(packet(0x44, 20, 20)));
    CHECK_FALSE(wire::decode_ipv4(packet(0x46, 20, 23)));
    CHECK(wire::decode_ipv4(packet(0x4f, 60, 60))->header.size() == wire::kIpv4HeaderMax);
}
