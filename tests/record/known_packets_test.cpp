// Which packets a record knows: each once, whatever their number.
#include "mainstay/record/known_packets.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace mainstay;
using namespace mainstay::record;

namespace {

struct Heard {
    std::array<std::byte, 4> payload;
    vrrp::PacketHeard packet;

    explicit Heard(std::uint32_t number, const char* interface = "eth0")
        : payload{static_cast<std::byte>(number >> 24), static_cast<std::byte>(number >> 16),
                  static_cast<std::byte>(number >> 8), static_cast<std::byte>(number)},
          packet{
              .interface = interface, .source = IpAddress::v4(0x0a000001), .destination = IpAddress::v4(0xe0000012)} {
        packet.payload = payload;
    }
};

}  // namespace

TEST_CASE("a packet is found where it was kept, and no other one is") {
    KnownPackets known;
    CHECK_FALSE(known.find(Heard{1}.packet));
    for (std::uint32_t n = 0; n < 1000; ++n) known.keep(Heard{n}.packet, 10 * std::size_t{n});
    for (std::uint32_t n = 0; n < 1000; ++n) CHECK(known.find(Heard{n}.packet) == 10 * std::size_t{n});
    for (std::uint32_t n = 1000; n-- > 0;) CHECK(known.find(Heard{n}.packet) == 10 * std::size_t{n});
    CHECK_FALSE(known.find(Heard{1000}.packet));
    CHECK_FALSE(known.find(Heard{1, "eth1"}.packet));
    auto other = Heard{1};
    other.packet.ttl = 254;
    CHECK_FALSE(known.find(other.packet));
}

TEST_CASE("packets that differ only where the hash does not look are distinguished") {
    KnownPackets known;
    auto near = Heard{1}, far = Heard{1};
    far.packet.destination = IpAddress::v4(0x0a000002);
    known.keep(near.packet, 5);
    known.keep(far.packet, 6);
    known.keep(near.packet, 7);  // it is known already
    CHECK(known.find(near.packet) == 5U);
    CHECK(known.find(far.packet) == 6U);
    CHECK(known.size() == 2);
    auto authenticated = Heard{1};
    const std::array header{std::byte{0x45}};
    authenticated.packet.ip_header = header;
    CHECK_FALSE(known.find(authenticated.packet));
    known.keep(authenticated.packet, 9);
    CHECK(known.find(authenticated.packet) == 9U);
}

TEST_CASE("what is forgotten is not found, and can be kept again") {
    KnownPackets known;
    known.keep(Heard{1}.packet, 5);
    known.forget();
    CHECK_FALSE(known.find(Heard{1}.packet));
    known.keep(Heard{1}.packet, 8);
    CHECK(known.find(Heard{1}.packet) == 8U);
}

TEST_CASE("more packets than it keeps begin anew, and a large one is not kept") {
    KnownPackets known;
    for (std::uint32_t n = 0; n < KnownPackets::kMost; ++n) known.keep(Heard{n}.packet, n);
    CHECK(known.find(Heard{0}.packet) == 0U);
    known.keep(Heard{99999}.packet, 3);
    CHECK(known.size() == 1);
    CHECK(known.find(Heard{99999}.packet) == 3U);

    std::vector<std::byte> bytes(KnownPackets::kBytesMax + 1);
    auto large = Heard{1};
    large.packet.payload = bytes;
    known.keep(large.packet, 4);
    CHECK_FALSE(known.find(large.packet));
    large.packet.payload = std::span{bytes}.first(KnownPackets::kBytesMax);
    known.keep(large.packet, 4);
    CHECK(known.find(large.packet) == 4U);
}
