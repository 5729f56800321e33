// Writes the facts that enter a vrrp::Router, and what is kept of its intents, into memory that survives the process.
//
// Pure: the memory belongs to the caller. An entry costs no system call and, in the steady state, no allocation; a
// packet that was heard before costs a few bytes. A key frame, the configuration and the state of the router, is
// written when a segment begins.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format.hpp"
#include "intents.hpp"
#include "known_packets.hpp"
#include "mainstay/base/byte_archive.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/vrrp/router.hpp"
#include "secrets.hpp"

namespace mainstay::record {

// The two segments of a recorder's memory: key frames, and entries that count once they are whole.
//
// Pure: the memory belongs to the caller. What is in a key frame and in an entry is the caller's business.
class SegmentWriter {
public:
    // `memory` outlives this object and is aligned to 8 bytes. If an earlier incarnation has written to it, its newest
    // segment is kept. Nothing is written before the first open().
    SegmentWriter(std::span<std::byte> memory, std::string_view version, Machine machine);

    // Writes an entry, and the key frame of a new segment if it needs one: frame(ByteWriter&, bool continues) and
    // entry(ByteWriter&), which is called again if the entry goes to another segment. `end` bytes stay free for
    // close(). An entry that does not fit is left out, and so is its close().
    template <class Frame, class Entry>
    void open(Instant now, std::size_t end, Frame&& frame, Entry&& entry);
    // Completes the entry: end(ByteWriter&) appends to it.
    template <class End>
    void close(End&& end);

    struct Statistics {
        std::uint64_t entries = 0, key_frames = 0;
        std::uint64_t left_out = 0;         // entries that do not fit into a segment
        std::uint64_t key_frame_bytes = 0;  // of the last one
    };
    [[nodiscard]] const Statistics& statistics() const { return statistics_; }
    // False: not even a key frame fits, so nothing is recorded.
    [[nodiscard]] bool works() const { return works_; }
    [[nodiscard]] bool is_open() const { return open_ != 0; }
    [[nodiscard]] std::uint64_t number() const { return number_; }  // of the running segment
    [[nodiscard]] std::size_t used() const { return used_; }        // bytes of whole entries in it
    [[nodiscard]] Instant last() const { return last_; }            // of the last whole entry, or of the key frame

private:
    [[nodiscard]] std::span<std::byte> next_segment();
    [[nodiscard]] bool end_key_frame(const ByteWriter& written, Instant now);
    void leave_out();
    [[nodiscard]] SegmentHeader& header(std::size_t segment) const;
    void publish() { std::atomic_ref{header(segment_).used}.store(used_, std::memory_order_release); }

    std::span<std::byte> memory_;
    std::string version_;
    Machine machine_;
    std::span<std::byte> content_;  // of the running segment
    std::size_t segment_ = 0;
    std::uint64_t number_ = 0;         // of the last segment that was begun
    std::size_t used_ = 0, open_ = 0;  // bytes of whole entries; of the open one, 0: none
    bool begun_ = false, works_ = true, complete_ = false;
    Instant last_{}, now_{};  // of the last whole entry, and of the open one
    Statistics statistics_;
};

template <class Frame, class Entry>
void SegmentWriter::open(Instant now, std::size_t end, Frame&& frame, Entry&& entry) {
    open_ = 0;
    if (!works_) return;
    for (const bool again : {false, true}) {
        const bool fresh = statistics_.key_frames == 0 || used_ == 0;
        if (again || fresh) {
            ByteWriter key{next_segment()};
            frame(key, std::exchange(complete_, false));
            if (!end_key_frame(key, now)) return;
        }
        const auto rest = content_.subspan(used_);
        ByteWriter out{rest.first(rest.size() > end ? rest.size() - end : 0)};
        entry(out);
        if (out.fits()) {
            open_ = out.size();
            now_ = now;
            return;
        }
        if (fresh || again) break;
        complete_ = true;  // the next segment goes on where this one ends
    }
    leave_out();
}

template <class End>
void SegmentWriter::close(End&& end) {
    if (open_ == 0) return;
    ByteWriter out{content_.subspan(used_ + open_)};
    end(out);
    const std::size_t whole = std::exchange(open_, 0) + out.size();
    if (!out.fits()) return leave_out();
    used_ += whole;
    last_ = now_;
    ++statistics_.entries;
    publish();
}

class Recorder {
public:
    using Wall = std::function<WallTime()>;  // the calendar clock, read once for each key frame
    // `memory` outlives this object and is aligned to 8 bytes. If an earlier incarnation has written to it, its newest
    // segment is kept. Nothing is written before the first begin().
    Recorder(std::span<std::byte> memory, std::string_view version, Wall wall);

    // Before a step, with the router as it is before it; finish() follows with the intents of the step.
    void begin(const vrrp::Router& router, const vrrp::Fact& fact, Instant now);
    void begin_start(const vrrp::Router& router, const vrrp::RouterSnapshot* previous, Instant now);
    void begin_reload(const vrrp::Router& router, const config::Config& next, const vrrp::HostFacts& host, Instant now);
    void finish(const vrrp::Intents& intents);

    [[nodiscard]] const SegmentWriter::Statistics& statistics() const { return segments_.statistics(); }
    // False: not even a key frame fits, so nothing is recorded.
    [[nodiscard]] bool works() const { return segments_.works(); }

private:
    template <class Write>
    void open(const vrrp::Router& router, Instant now, Write&& write);
    void key_frame(ByteWriter& out, const vrrp::Router& router, Instant now, bool continues);
    [[nodiscard]] std::span<const std::byte> encode(const vrrp::PacketHeard& packet);
    void put_packet(ByteWriter& out, const vrrp::PacketHeard& packet);
    void put_fact(ByteWriter& out, const vrrp::Fact& fact, Instant now);
    SegmentWriter segments_;
    Wall wall_;
    Secrets secrets_;
    // The configuration, encoded and without secrets, where it stands in the memory: in the last key frame, or in the
    // entry of a reload since. Empty: it must be written anew.
    std::span<const std::byte> configuration_;
    std::optional<std::span<const std::byte>> next_;  // that of a reload, until finish()
    KnownPackets known_;
    std::vector<std::byte> room_;       // working memory for intents and packets
    Instant now_{};                     // of the open entry
    std::int64_t clock_offset_us_ = 0;  // of the last Clock in this segment
};

// Writes what enters a lvs::Judge, and what is kept of its intents, into memory that survives the process.
//
// Pure, like recorder.hpp: the memory belongs to the caller, and the steady state allocates nothing. A key frame holds
// the configuration without secrets and the state of the judge.
class JudgeRecorder {
public:
    // See SegmentWriter.
    JudgeRecorder(std::span<std::byte> memory, std::string_view version);

    // Each before a step, with the judge as it is before it. returned() follows with the intents of the step, all at
    // once or in pieces, and then finish().
    void begin(const lvs::Judge& judge, const lvs::Fact& fact, lvs::Moment at);
    void begin_command(const lvs::Judge& judge, const lvs::ServerCommand& command, lvs::Moment at);
    void begin_start(const lvs::Judge& judge, const config::Config& config, const lvs::Memory& memory,
                     const lvs::Overrides& overrides, const lvs::HostFacts& host, lvs::Moment at);
    void begin_reload(const lvs::Judge& judge, const config::Config& next, const lvs::HostFacts& host, lvs::Moment at);
    void begin_change(const lvs::Judge& judge, const std::vector<config::ServiceChange>& changes,
                      const lvs::HostFacts& host, lvs::Moment at);
    void begin_stop(const lvs::Judge& judge, bool keep, lvs::Moment at);
    void drew(Micros random);  // the step got this random number
    void returned(const lvs::Intents& intents);
    void finish();

    [[nodiscard]] const SegmentWriter::Statistics& statistics() const { return segments_.statistics(); }
    // False: not even a key frame fits, so nothing is recorded.
    [[nodiscard]] bool works() const { return segments_.works(); }

private:
    struct Known {  // a text in the running segment
        std::string text;
        std::size_t at = 0;
    };
    // `draws`: how many random numbers the step may draw.
    template <class Write>
    void open(const lvs::Judge& judge, lvs::Moment at, JudgeEntryKind kind, std::size_t draws, Write&& write);
    void key_frame(ByteWriter& out, const lvs::Judge& judge, lvs::Moment at, bool continues);
    void put_finished(ByteWriter& out, const lvs::CheckFinished& fact);
    void put_text(ByteWriter& out, const std::string& text);

    SegmentWriter segments_;
    JudgeSecrets secrets_;
    std::vector<Known> texts_;
    std::size_t next_text_ = 0;    // the one to replace next
    std::vector<std::byte> room_;  // working memory for intents
    std::optional<SummaryBuilder> summary_;
    std::vector<Micros> drawn_;        // by the open step
    std::int64_t wall_offset_us_ = 0;  // of the last whole entry, and of the open one
    std::int64_t open_wall_offset_us_ = 0;
};

}  // namespace mainstay::record
