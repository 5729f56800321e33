// BFD control packets, RFC 5880 section 4.1, as the payload of a UDP datagram (RFC 5881, RFC 5883). Authentication is
// not supported: a packet that carries it is detected and refused, as a session without it must do (6.8.6).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "mainstay/base/time.hpp"

namespace mainstay::wire {

inline constexpr std::uint8_t kBfdVersion = 1;
inline constexpr std::size_t kBfdLength = 24;               // the mandatory section
inline constexpr std::size_t kBfdLengthAuthenticated = 26;  // and the shortest authentication section
inline constexpr std::uint16_t kBfdPort = 3784, kBfdMultihopPort = 4784;
inline constexpr std::uint16_t kBfdSourcePortFirst = 49152, kBfdSourcePortLast = 65535;  // RFC 5881 section 4

enum class BfdState : std::uint8_t { AdminDown = 0, Down = 1, Init = 2, Up = 3 };
[[nodiscard]] std::string_view to_string(BfdState state);  // "Admin Down", "Down", "Init", "Up"

// The field has the range 0..31; 9..31 are unassigned and passed on unchanged.
enum class BfdDiagnostic : std::uint8_t {
    None = 0,
    DetectionTimeExpired = 1,
    EchoFailed = 2,
    NeighborDown = 3,
    ForwardingPlaneReset = 4,
    PathDown = 5,
    ConcatenatedPathDown = 6,
    AdministrativelyDown = 7,
    ReverseConcatenatedPathDown = 8,
};
[[nodiscard]] std::string_view to_string(BfdDiagnostic diagnostic);  // the RFC's names; "Unknown" for 9..31

struct BfdPacket {
    BfdDiagnostic diagnostic = BfdDiagnostic::None;
    BfdState state = BfdState::Down;
    bool poll = false;
    bool final = false;
    bool control_plane_independent = false;
    bool demand = false;
    std::uint8_t detect_multiplier = 1;
    std::uint32_t my_discriminator = 0;
    std::uint32_t your_discriminator = 0;  // 0: unknown
    Micros desired_min_tx{0};              // 0..4294967295 us, like the next two
    Micros required_min_rx{0};             // 0: send nothing periodic
    Micros required_min_echo_rx{0};

    bool operator==(const BfdPacket&) const = default;
};

// Why a packet must be discarded: those checks of RFC 5880 6.8.6 that need no session state, in the RFC's order.
enum class BfdDefect : std::uint8_t {
    TooShort,           // not even the mandatory section
    Version,            // another version than 1
    Length,             // the length field is below the minimum or beyond the payload
    DetectMultiplier,   // zero
    Multipoint,         // the bit is set
    MyDiscriminator,    // zero
    YourDiscriminator,  // zero, though the state is Init or Up
    Authentication,     // the A bit is set
    PollAndFinal,       // both bits at once (6.5 forbids to send them; keepalived discards them too, 2.2.7)
};
[[nodiscard]] std::string_view to_string(BfdDefect defect);  // for a log line: "its detection multiplier is zero"

// Reads a UDP payload. Bytes after the packet's own length are ignored.
[[nodiscard]] std::expected<BfdPacket, BfdDefect> decode_bfd(std::span<const std::byte> payload);

// Intervals that do not fit their field are clamped to its maximum.
[[nodiscard]] std::array<std::byte, kBfdLength> encode_bfd(const BfdPacket& packet);

}  // namespace mainstay::wire
