// The bytes of a flight record, in shared memory while it is made and in a file afterwards. docs/recorder.md describes
// them.
//
// The memory has a header and two segments of equal size, which are filled in turn: the older one is overwritten when
// the newer one is full. Each begins with a *key frame*, the configuration and the whole state of the machine, so that
// a replay can begin there, bit for bit. Entries follow: a fact with its time, and what is kept of its intents.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace mainstay::record {

// Increased with every change of the bytes below. The version of the program is in the header as well, because the
// machine's state is bytes of that version.
inline constexpr std::uint32_t kFormat = 3;
inline constexpr std::size_t kSegments = 2;
inline constexpr std::size_t kVersionBytes = 48;
inline constexpr std::size_t kMemoryLeast = 64 * 1024;  // less than that holds no key frame worth having
inline constexpr std::size_t kFileBytesMax = 600U << 20;

// Whose facts are recorded: each has a memory of its own, and a file has segments of both.
// NOLINTNEXTLINE(performance-enum-size): of the header's size
enum class Machine : std::uint32_t { Router, Judge };
inline constexpr std::size_t kMachines = 2;

struct MemoryHeader {
    std::array<char, 8> magic{};  // "mstayrec"
    std::uint32_t format = 0;
    Machine machine = Machine::Router;          // of a file: 0
    std::array<char, kVersionBytes> version{};  // of the program, zero padded
};
inline constexpr std::array<char, 8> kMagic{'m', 's', 't', 'a', 'y', 'r', 'e', 'c'};

// In front of each segment. `number` is 0 while the segment is being begun; `used` grows with each whole entry. With
// the number 0, `used` above what a segment holds is the size of a key frame that did not fit: its process records
// nothing.
struct SegmentHeader {
    std::uint64_t number = 0;
    std::uint64_t used = 0;
};

// The version of this program, as it stands in the records that it makes and reads.
[[nodiscard]] std::string_view program_version();

// Of a memory of so many bytes: the size of a segment with its header, a multiple of 64; 0: it is too small for any.
[[nodiscard]] constexpr std::size_t segment_bytes(std::size_t memory) {
    return memory < kMemoryLeast ? 0 : (memory - sizeof(MemoryHeader)) / kSegments / 64 * 64;
}

// The first byte of a router's entry. Then the time since the entry before in nanoseconds (a signed number), what the
// kind says, and the summary of the intents.
enum class EntryKind : std::uint8_t {
    Packet = 1,   // how long it waited; its size and bytes
    PacketAgain,  // how long it waited; where in this segment the size and bytes of the same packet are
    Deadline,     // nothing
    Clock,        // microseconds by which the calendar is not where the last Clock lets expect it
    Fact,         // the alternative of vrrp::Fact, then its members
    Start,        // the snapshot of the incarnation before, if there was one
    Reload,       // the configuration, then the facts about the host
};

// The first byte of a judge's entry. Then the time since the entry before in nanoseconds (a signed number),
// microseconds by which the calendar is not where the last entry lets expect it (likewise), what the kind says, the
// random numbers that the step drew in microseconds, and the summary of the intents.
enum class JudgeEntryKind : std::uint8_t {
    CheckFinished = 1,  // members; equal texts are references to the first one in the segment
    Deadline,           // nothing
    Fact,               // the alternative of lvs::Fact, then its members
    Command,            // the operator's command
    Start,              // the configuration, the memory of the incarnation before, overrides, addresses of the host
    Reload,             // the configuration, then the addresses of the host
    Change,             // the services that change: position and new configuration of each
    Stop,               // whether the table stays
};

}  // namespace mainstay::record
