// Reads the segments of the judge in a flight record, as reader.hpp does those of the router.
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

#include "intents.hpp"
#include "mainstay/lvs/judge.hpp"
#include "reader.hpp"

namespace mainstay::record {

struct JudgeStarted {
    std::shared_ptr<const config::Config> config;
    lvs::Memory memory;  // of an incarnation that crashed
    lvs::Overrides overrides;
    lvs::HostAddresses host;
};
struct JudgeReloaded {
    std::shared_ptr<const config::Config> config;
    lvs::HostAddresses host;
};
struct JudgeChanged {  // only some services: their positions, and what they are from now on
    std::vector<std::pair<std::size_t, config::VirtualServer>> services;
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
