#include "mainstay/record/segment_writer.hpp"

#include <algorithm>
#include <cstring>

namespace mainstay::record {

SegmentWriter::SegmentWriter(std::span<std::byte> memory, std::string_view version, Machine machine)
    : memory_{memory}, version_{version}, machine_{machine} {
    works_ = segment_bytes(memory.size()) != 0;
}

SegmentHeader& SegmentWriter::header(std::size_t segment) const {
    const std::size_t at = sizeof(MemoryHeader) + segment * segment_bytes(memory_.size());
    return *reinterpret_cast<SegmentHeader*>(memory_.data() + at);
}

// The room for the key frame of the next segment. A reader sees the segment once its key frame is whole.
std::span<std::byte> SegmentWriter::next_segment() {
    const std::size_t size = segment_bytes(memory_.size());
    if (!begun_) {  // the first of this incarnation: the newest segment of the one before is kept
        MemoryHeader start{.magic = kMagic, .format = kFormat, .machine = machine_};
        std::memcpy(start.version.data(), version_.data(), std::min(version_.size(), kVersionBytes - 1));
        if (std::memcmp(memory_.data(), &start, sizeof start) != 0) {
            std::ranges::fill(memory_.first(sizeof start), std::byte{0});
            for (std::size_t at = 0; at < kSegments; ++at) header(at) = {};
            std::memcpy(memory_.data(), &start, sizeof start);
        }
        for (std::size_t at = 0; at < kSegments; ++at)
            if (header(at).number >= number_) number_ = header(at).number, segment_ = at;
        begun_ = true;
    }
    segment_ = (segment_ + 1) % kSegments;
    content_ = memory_.subspan(sizeof(MemoryHeader) + segment_ * size, size).subspan(sizeof(SegmentHeader));
    std::atomic_ref{header(segment_).number}.store(0, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return content_;
}

bool SegmentWriter::end_key_frame(const ByteWriter& written, Instant now) {
    statistics_.key_frame_bytes = written.size();
    if (!written.fits()) {
        works_ = false;  // a larger one would not fit either
        // For the reader: unwritten_key_frame().
        std::atomic_ref{header(segment_).used}.store(written.size(), std::memory_order_release);
        return false;
    }
    used_ = written.size();
    last_ = now;
    ++statistics_.key_frames;
    publish();
    std::atomic_ref{header(segment_).number}.store(++number_, std::memory_order_release);
    return true;
}

void SegmentWriter::leave_out() {
    ++statistics_.left_out;
    complete_ = false;
    used_ = 0;  // the replay of this segment ends here
}

}  // namespace mainstay::record
