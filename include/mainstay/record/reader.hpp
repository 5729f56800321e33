// Reads flight records: from the memory of a role into a file, and a file's entries one by one.
//
// The bytes may be damaged, or made by an enemy: every length is bounded by what is there, and a failure says where it
// is. Nothing here runs a step (replay.hpp does).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "format.hpp"
#include "intents.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::record {

// The content of a file: what the memories hold, one of each machine at most, whose roles may be writing to them
// meanwhile. Memory in which nothing has been recorded yet is passed over; Errc::NotFound: there is no other.
[[nodiscard]] Result<std::vector<std::byte>> file_of_memories(std::span<const std::span<const std::byte>> memories,
                                                              WallTime saved);
[[nodiscard]] Result<std::vector<std::byte>> file_of_memory(std::span<const std::byte> memory, WallTime saved);

// The size in bytes of a key frame that does not fit into this memory: its process records nothing any more, though
// what another one recorded before may still be there. None: it records, or has not begun yet.
[[nodiscard]] std::optional<std::size_t> unwritten_key_frame(std::span<const std::byte> memory);

struct Segment {
    std::uint64_t number = 0;
    std::vector<std::byte> bytes;
};
struct Record {
    std::string version;  // of the program that made it
    WallTime saved;
    std::vector<Segment> segments;        // of the VRRP router, oldest first; may be empty
    std::vector<Segment> judge_segments;  // of the judge of virtual servers, likewise
};
// Errors: not a record, of another format, truncated or damaged.
[[nodiscard]] Result<Record> read_record(std::span<const std::byte> file);

struct KeyFrame {
    Instant now{};
    WallTime wall;           // the calendar at `now`
    bool continues = false;  // the segment before ended at this very state
    std::shared_ptr<const config::Config> config;
    std::span<const std::byte> state;  // for vrrp::Router::resume()
};

struct Started {
    std::optional<vrrp::RouterSnapshot> previous;  // of an incarnation that crashed
};
struct Reloaded {
    std::shared_ptr<const config::Config> config;
    vrrp::HostFacts host;
};
struct Entry {
    Instant now{};
    std::variant<vrrp::Fact, Started, Reloaded> what;  // a packet's bytes are those of the segment
    IntentSummary intents;
};

class SegmentReader {
public:
    explicit SegmentReader(std::span<const std::byte> bytes) : bytes_{bytes} {}
    // First; the state of the router is not read yet, its length is only known to whom resumes it.
    [[nodiscard]] Result<KeyFrame> key_frame();
    // After the key frame, with the number of bytes that its state took.
    void entries_after(std::size_t state_bytes);
    // None: the segment is over.
    [[nodiscard]] Result<std::optional<Entry>> next();

    [[nodiscard]] std::size_t position() const { return at_; }  // of the next entry, in the segment

private:
    [[nodiscard]] Result<void> read_what(ByteReader& in, EntryKind kind, Entry& entry);
    void read_packet(ByteReader& in, bool again, Entry& entry) const;
    void read_clock(ByteReader& in, Entry& entry);

    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
    Instant last_{};
    std::int64_t clock_offset_us_ = 0;
};

// Reads the segments of the judge in a flight record, as reader.hpp does those of the router.
struct JudgeStarted {
    std::shared_ptr<const config::Config> config;
    lvs::Memory memory;  // of an incarnation that crashed
    lvs::Overrides overrides;
    lvs::HostFacts host;
};
struct JudgeReloaded {
    std::shared_ptr<const config::Config> config;
    lvs::HostFacts host;
};
struct JudgeChanged {  // only some services; what they were before is not recorded
    std::vector<config::ServiceChange> services;
    lvs::HostFacts host;
};
struct JudgeStopped {
    bool keep = false;
};
struct JudgeEntry {
    Instant now{};
    WallTime wall;
    std::variant<lvs::Fact, lvs::ServerCommand, JudgeStarted, JudgeReloaded, JudgeChanged, JudgeStopped> what;
    std::vector<Micros> drawn;  // random numbers
    IntentSummary intents;
};

class JudgeSegmentReader {
public:
    explicit JudgeSegmentReader(std::span<const std::byte> bytes) : bytes_{bytes} {}
    // First; the state of the judge is not read yet, its length is only known to whom resumes it.
    [[nodiscard]] Result<KeyFrame> key_frame();
    // After the key frame, with the number of bytes that its state took.
    void entries_after(std::size_t state_bytes);
    // None: the segment is over.
    [[nodiscard]] Result<std::optional<JudgeEntry>> next();

    [[nodiscard]] std::size_t position() const { return at_; }  // of the next entry, in the segment

private:
    [[nodiscard]] Result<void> read_what(ByteReader& in, JudgeEntryKind kind, JudgeEntry& entry) const;
    [[nodiscard]] lvs::CheckFinished read_finished(ByteReader& in) const;
    [[nodiscard]] std::string read_text(ByteReader& in) const;

    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
    Instant last_{};
    std::int64_t wall_offset_us_ = 0;
};

}  // namespace mainstay::record
