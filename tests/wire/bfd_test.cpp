#include "mainstay/wire/bfd.hpp"

#include <doctest/doctest.h>

#include "hex.hpp"

using namespace mainstay;
using namespace mainstay::wire;
using namespace std::chrono_literals;
using test::from_hex;
using test::to_hex;

namespace {

// Built by scapy 2.5 from the fields of RFC 5880.
constexpr auto kDown = "20 40 03 18 11 22 33 44 00 00 00 00 00 0f 42 40 00 00 27 10 00 00 00 00";
constexpr auto kUpPoll = "23 e0 05 18 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00";
constexpr auto kInitFinal = "21 9a ff 18 ff ff ff ff 00 00 00 01 ff ff ff ff 00 00 00 00 00 00 c3 50";
// keepalived 2.2.7, answering a poll.
constexpr auto kKeepalived = "20 d0 03 18 54 bb 2d f5 0c 8b 8e 6d 00 01 d4 c0 00 01 86 a0 00 00 00 00";

struct KnownBfd {
    BfdPacket packet;
    const char* bytes;
};
std::vector<KnownBfd> known_bfd() {
    return {
        {{.detect_multiplier = 3, .my_discriminator = 0x1122'3344, .desired_min_tx = 1s, .required_min_rx = 10ms},
         kDown},
        {{.diagnostic = BfdDiagnostic::NeighborDown,
          .state = BfdState::Up,
          .poll = true,
          .detect_multiplier = 5,
          .my_discriminator = 0x1122'3344,
          .your_discriminator = 0xdead'beef,
          .desired_min_tx = 10ms,
          .required_min_rx = 20ms},
         kUpPoll},
        {{.diagnostic = BfdDiagnostic::DetectionTimeExpired,
          .state = BfdState::Init,
          .final = true,
          .control_plane_independent = true,
          .demand = true,
          .detect_multiplier = 255,
          .my_discriminator = 0xffff'ffff,
          .your_discriminator = 1,
          .desired_min_tx = 4'294'967'295us,
          .required_min_echo_rx = 50ms},
         kInitFinal},
        {{.state = BfdState::Up,
          .final = true,
          .detect_multiplier = 3,
          .my_discriminator = 0x54bb'2df5,
          .your_discriminator = 0x0c8b'8e6d,
          .desired_min_tx = 120ms,
          .required_min_rx = 100ms},
         kKeepalived},
    };
}

}  // namespace

TEST_CASE("control packets are written byte for byte as RFC 5880 lays them out") {
    for (const KnownBfd& k : known_bfd()) CHECK(to_hex(encode_bfd(k.packet)) == std::string{k.bytes});
}

TEST_CASE("control packets from other implementations are read into their fields") {
    for (const KnownBfd& k : known_bfd()) {
        CAPTURE(k.bytes);
        const auto packet = decode_bfd(from_hex(k.bytes));
        REQUIRE(packet.has_value());
        CHECK(*packet == k.packet);
    }
}

TEST_CASE("every truncation is refused") {
    for (const KnownBfd& k : known_bfd()) {
        const auto bytes = from_hex(k.bytes);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CAPTURE(size);
            CHECK(decode_bfd(std::span{bytes}.first(size)).error() == BfdDefect::TooShort);
        }
    }
}

TEST_CASE("packets that RFC 5880 6.8.6 discards are refused for the reason that comes first") {
    struct Row {
        const char* bytes;
        BfdDefect defect;
    };
    const Row rows[] = {
        {"00 c0 05 18 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::Version},
        {"40 c0 05 18 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::Version},
        {"40 c0 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", BfdDefect::Version},
        {"20 c0 05 17 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::Length},
        {"20 c0 05 19 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::Length},
        {"20 c4 05 18 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::Length},
        {"20 c4 05 19 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00 00", BfdDefect::Length},
        {"20 c0 00 18 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::DetectMultiplier},
        {"20 c1 00 18 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::DetectMultiplier},
        {"20 c1 05 18 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::Multipoint},
        {"20 c0 05 18 00 00 00 00 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::MyDiscriminator},
        {"20 80 05 18 11 22 33 44 00 00 00 00 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::YourDiscriminator},
        {"20 c0 05 18 11 22 33 44 00 00 00 00 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::YourDiscriminator},
        {"20 c4 05 1a 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00 01 02", BfdDefect::Authentication},
        {"20 f0 05 18 11 22 33 44 de ad be ef 00 00 27 10 00 00 4e 20 00 00 00 00", BfdDefect::PollAndFinal},
    };
    for (const Row& row : rows) {
        CAPTURE(row.bytes);
        const auto packet = decode_bfd(from_hex(row.bytes));
        REQUIRE_FALSE(packet.has_value());
        CHECK(packet.error() == row.defect);
    }
}

TEST_CASE("a session that does not know its peer yet is Down or AdminDown, and both are accepted") {
    CHECK(decode_bfd(from_hex(kDown)).value().your_discriminator == 0);
    const auto admin_down =
        decode_bfd(from_hex("27 00 03 18 11 22 33 44 00 00 00 00 00 0f 42 40 00 00 27 10 00 00 00 00"));
    REQUIRE(admin_down.has_value());
    CHECK(admin_down->state == BfdState::AdminDown);
    CHECK(admin_down->diagnostic == BfdDiagnostic::AdministrativelyDown);
}

TEST_CASE("bytes behind the packet are ignored, whether its length counts them or not") {
    auto bytes = from_hex(kUpPoll);
    bytes.resize(40, std::byte{0xaa});
    CHECK(decode_bfd(bytes).value() == known_bfd()[1].packet);
    bytes[3] = std::byte{40};
    CHECK(decode_bfd(bytes).value() == known_bfd()[1].packet);
}

TEST_CASE("intervals are cut to what their fields hold") {
    const auto bytes = encode_bfd({.my_discriminator = 1, .desired_min_tx = 5000s, .required_min_rx = -1us});
    CHECK(decode_bfd(bytes).value().desired_min_tx == 4'294'967'295us);
    CHECK(decode_bfd(bytes).value().required_min_rx == 0us);
}

TEST_CASE("a diagnostic without a meaning is passed on") {
    auto bytes = from_hex(kDown);
    bytes[0] = std::byte{0x3f};
    const auto packet = decode_bfd(bytes).value();
    CHECK(packet.diagnostic == static_cast<BfdDiagnostic>(31));
    CHECK(to_string(packet.diagnostic) == "Unknown");
    CHECK(encode_bfd(packet)[0] == std::byte{0x3f});
}

TEST_CASE("numbers without a meaning have words all the same") {
    CHECK(to_string(static_cast<BfdState>(9)) == "Down");
    CHECK(to_string(static_cast<BfdDefect>(99)) == "it is damaged");
}
