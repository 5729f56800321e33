// The two segments of a recorder's memory: key frames, and entries that count once they are whole.
//
// Pure: the memory belongs to the caller. What is in a key frame and in an entry is the caller's business.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "format.hpp"
#include "mainstay/base/byte_archive.hpp"

namespace mainstay::record {

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

}  // namespace mainstay::record
