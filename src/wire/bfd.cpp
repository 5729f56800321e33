#include "mainstay/wire/bfd.hpp"

#include <algorithm>

#include "read_bytes.hpp"

namespace mainstay::wire {
namespace {

// The second byte, behind the two bits of the state.
constexpr unsigned kPoll = 0x20, kFinal = 0x10, kControlPlaneIndependent = 0x08, kAuthentication = 0x04, kDemand = 0x02,
                   kMultipoint = 0x01;
constexpr std::int64_t kFieldMax = 0xffff'ffff;

std::uint32_t u32(std::span<const std::byte> bytes, std::size_t at) {
    return std::uint32_t{u8(bytes, at)} << 24 | std::uint32_t{u8(bytes, at + 1)} << 16 |
           std::uint32_t{u8(bytes, at + 2)} << 8 | u8(bytes, at + 3);
}

void put_u32(std::span<std::byte> bytes, std::size_t at, std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) bytes[at + i] = std::byte(value >> (24 - 8 * i) & 0xff);
}

void put_interval(std::span<std::byte> bytes, std::size_t at, Micros interval) {
    put_u32(bytes, at, static_cast<std::uint32_t>(std::clamp<std::int64_t>(interval.count(), 0, kFieldMax)));
}

}  // namespace

std::string_view to_string(BfdState state) {
    switch (state) {
        case BfdState::AdminDown:
            return "Admin Down";
        case BfdState::Down:
            return "Down";
        case BfdState::Init:
            return "Init";
        case BfdState::Up:
            return "Up";
    }
    return "Down";
}

std::string_view to_string(BfdDiagnostic diagnostic) {
    switch (diagnostic) {
        case BfdDiagnostic::None:
            return "No Diagnostic";
        case BfdDiagnostic::DetectionTimeExpired:
            return "Control Detection Time Expired";
        case BfdDiagnostic::EchoFailed:
            return "Echo Function Failed";
        case BfdDiagnostic::NeighborDown:
            return "Neighbor Signaled Session Down";
        case BfdDiagnostic::ForwardingPlaneReset:
            return "Forwarding Plane Reset";
        case BfdDiagnostic::PathDown:
            return "Path Down";
        case BfdDiagnostic::ConcatenatedPathDown:
            return "Concatenated Path Down";
        case BfdDiagnostic::AdministrativelyDown:
            return "Administratively Down";
        case BfdDiagnostic::ReverseConcatenatedPathDown:
            return "Reverse Concatenated Path Down";
    }
    return "Unknown";
}

std::string_view to_string(BfdDefect defect) {
    switch (defect) {
        case BfdDefect::TooShort:
            return "it is shorter than 24 bytes";
        case BfdDefect::Version:
            return "it is not of version 1";
        case BfdDefect::Length:
            return "its length field does not fit it";
        case BfdDefect::DetectMultiplier:
            return "its detection multiplier is zero";
        case BfdDefect::Multipoint:
            return "its multipoint bit is set";
        case BfdDefect::MyDiscriminator:
            return "its own discriminator is zero";
        case BfdDefect::YourDiscriminator:
            return "it names no session of ours though it is Init or Up";
        case BfdDefect::Authentication:
            return "it is authenticated, and no authentication is in use";
        case BfdDefect::PollAndFinal:
            return "it has both the poll and the final bit";
    }
    return "it is damaged";
}

std::expected<BfdPacket, BfdDefect> decode_bfd(std::span<const std::byte> payload) {
    if (payload.size() < kBfdLength) return std::unexpected{BfdDefect::TooShort};
    if (u8(payload, 0) >> 5 != kBfdVersion) return std::unexpected{BfdDefect::Version};

    const unsigned flags = u8(payload, 1);
    const bool authenticated = (flags & kAuthentication) != 0;
    const std::size_t length = u8(payload, 3);
    if (length < (authenticated ? kBfdLengthAuthenticated : kBfdLength) || length > payload.size())
        return std::unexpected{BfdDefect::Length};

    BfdPacket packet;
    packet.diagnostic = static_cast<BfdDiagnostic>(u8(payload, 0) & 0x1f);
    packet.state = static_cast<BfdState>(flags >> 6);
    packet.poll = (flags & kPoll) != 0;
    packet.final = (flags & kFinal) != 0;
    packet.control_plane_independent = (flags & kControlPlaneIndependent) != 0;
    packet.demand = (flags & kDemand) != 0;
    packet.detect_multiplier = u8(payload, 2);
    packet.my_discriminator = u32(payload, 4);
    packet.your_discriminator = u32(payload, 8);
    packet.desired_min_tx = Micros{u32(payload, 12)};
    packet.required_min_rx = Micros{u32(payload, 16)};
    packet.required_min_echo_rx = Micros{u32(payload, 20)};

    if (packet.detect_multiplier == 0) return std::unexpected{BfdDefect::DetectMultiplier};
    if ((flags & kMultipoint) != 0) return std::unexpected{BfdDefect::Multipoint};
    if (packet.my_discriminator == 0) return std::unexpected{BfdDefect::MyDiscriminator};
    if (packet.your_discriminator == 0 && packet.state != BfdState::Down && packet.state != BfdState::AdminDown)
        return std::unexpected{BfdDefect::YourDiscriminator};
    if (authenticated) return std::unexpected{BfdDefect::Authentication};
    if (packet.poll && packet.final) return std::unexpected{BfdDefect::PollAndFinal};
    return packet;
}

std::array<std::byte, kBfdLength> encode_bfd(const BfdPacket& packet) {
    std::array<std::byte, kBfdLength> bytes{};
    bytes[0] = std::byte(kBfdVersion << 5 | (static_cast<unsigned>(packet.diagnostic) & 0x1f));
    bytes[1] =
        std::byte(static_cast<unsigned>(packet.state) << 6 | (packet.poll ? kPoll : 0) | (packet.final ? kFinal : 0) |
                  (packet.control_plane_independent ? kControlPlaneIndependent : 0) | (packet.demand ? kDemand : 0));
    bytes[2] = std::byte{packet.detect_multiplier};
    bytes[3] = std::byte{kBfdLength};
    put_u32(bytes, 4, packet.my_discriminator);
    put_u32(bytes, 8, packet.your_discriminator);
    put_interval(bytes, 12, packet.desired_min_tx);
    put_interval(bytes, 16, packet.required_min_rx);
    put_interval(bytes, 20, packet.required_min_echo_rx);
    return bytes;
}

}  // namespace mainstay::wire
