#include "mainstay/wire/nd.hpp"

#include "mainstay/base/checksum.hpp"

namespace mainstay::wire {
namespace {

constexpr std::uint8_t kNextHeaderIcmp6 = 58;
constexpr std::uint8_t kNeighbourAdvertisement = 136;
constexpr std::uint8_t kFlagRouter = 0x80, kFlagOverride = 0x20;
constexpr std::uint8_t kOptionTargetLinkLayer = 2;
constexpr std::uint8_t kMessageLength = 32;  // 24 and one option of 8
constexpr std::array kAllNodesMac{std::byte{0x33}, std::byte{0x33}, std::byte{0},
                                  std::byte{0},    std::byte{0},    std::byte{1}};
constexpr std::array<std::byte, 16> kAllNodes{std::byte{0xff}, std::byte{0x02}, std::byte{0}, std::byte{0},
                                              std::byte{0},    std::byte{0},    std::byte{0}, std::byte{0},
                                              std::byte{0},    std::byte{0},    std::byte{0}, std::byte{0},
                                              std::byte{0},    std::byte{0},    std::byte{0}, std::byte{1}};

}  // namespace

Result<Frame> unsolicited_na(const MacAddress& sender, const IpAddress& address, bool router) {
    if (!address.is_v6()) return fail(Errc::Invalid, "build a neighbour advertisement for " + address.to_string());

    Frame message;
    const auto append = [](Frame& to, const auto& bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); };
    const auto flags = static_cast<std::uint8_t>(kFlagOverride | (router ? kFlagRouter : 0));
    append(message, std::array{std::byte{kNeighbourAdvertisement}, std::byte{0}, std::byte{0}, std::byte{0},
                               std::byte{flags}, std::byte{0}, std::byte{0}, std::byte{0}});
    append(message, address.bytes());
    append(message, std::array{std::byte{kOptionTargetLinkLayer}, std::byte{1}});
    append(message, sender);

    const std::uint16_t sum = ChecksumSum{}
                                  .add(address.bytes())
                                  .add(kAllNodes)
                                  .add_u16(kMessageLength)
                                  .add_u16(kNextHeaderIcmp6)
                                  .add(message)
                                  .finish();
    message[2] = std::byte(sum >> 8);
    message[3] = std::byte(sum & 0xff);

    Frame frame;
    frame.reserve(14 + 40 + kMessageLength);
    append(frame, kAllNodesMac);
    append(frame, sender);
    // EtherType IPv6; version 6, no traffic class or flow label; payload length; ICMPv6; hop limit 255 (RFC
    // 4861 7.1.2).
    append(frame,
           std::array{std::byte{0x86}, std::byte{0xdd}, std::byte{0x60}, std::byte{0}, std::byte{0}, std::byte{0},
                      std::byte{0}, std::byte{kMessageLength}, std::byte{kNextHeaderIcmp6}, std::byte{255}});
    append(frame, address.bytes());
    append(frame, kAllNodes);
    append(frame, message);
    return frame;
}

}  // namespace mainstay::wire
