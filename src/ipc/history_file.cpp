#include "mainstay/ipc/history_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "mainstay/base/hash.hpp"
#include "stored_event.hpp"

namespace mainstay::ipc {
namespace {

constexpr std::array<char, 8> kSegmentMagic{'m', 's', 't', 'a', 'y', 'e', 'v', 't'};
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kRecordMagic = 0x52'4e'56'45;           // "EVNR"
constexpr std::uint64_t kIdMax = (std::uint64_t{1} << 53) - 1;  // JavaScript's numbers hold it

struct SegmentHeader {
    std::array<char, 8> magic;
    std::uint32_t version, unused;
};
struct RecordHeader {
    std::uint32_t magic, length;
    std::uint64_t checksum;  // of what follows
};
static_assert(sizeof(SegmentHeader) == 16 && sizeof(RecordHeader) == 16);

struct StoredEntry {
    std::uint64_t id = 0;
    std::string source;
    StoredEvent event;
};
template <class A>
void fields(A& a, StoredEntry& entry) {
    a(entry.id, entry.source, entry.event);
}

template <class T>
void append(std::vector<std::byte>& out, const T& value) {
    const auto bytes = std::as_bytes(std::span{&value, 1});
    out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class T>
T take(std::span<const std::byte> bytes) {
    T value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

// The record at the beginning of `bytes`, without its header. None: there is no complete one.
std::optional<std::span<const std::byte>> record_in(std::span<const std::byte> bytes) {
    if (bytes.size() < sizeof(RecordHeader)) return std::nullopt;
    const auto header = take<RecordHeader>(bytes);
    const auto rest = bytes.subspan(sizeof header);
    if (header.magic != kRecordMagic || header.length > kHistoryRecordBytesMax || header.length > rest.size())
        return std::nullopt;
    const auto content = rest.first(header.length);
    if (fnv1a(content) != header.checksum) return std::nullopt;
    return content;
}

// How far away the next record may begin; at least 1.
std::size_t to_next_magic(std::span<const std::byte> bytes) {
    const auto magic = std::as_bytes(std::span{&kRecordMagic, 1});
    const auto found = std::search(bytes.begin() + 1, bytes.end(), magic.begin(), magic.end());
    return static_cast<std::size_t>(found - bytes.begin());
}

std::optional<report::HistoryEntry> entry_of(std::span<const std::byte> content, std::uint64_t id_before) {
    auto stored = decode<StoredEntry>(content);
    if (!stored || stored->id <= id_before || stored->id > kIdMax) return std::nullopt;
    auto event = event_of(std::move(stored->event));
    if (!event) return std::nullopt;
    return report::HistoryEntry{stored->id, std::move(stored->source), std::move(*event)};
}

void read_records(std::span<const std::byte> bytes, HistorySegment& segment) {
    while (!bytes.empty() && segment.damaged < kHistoryDamageMax) {
        const auto content = record_in(bytes);
        if (!content) {
            ++segment.damaged;
            bytes = bytes.subspan(to_next_magic(bytes));
            continue;
        }
        bytes = bytes.subspan(sizeof(RecordHeader) + content->size());
        if (auto entry = entry_of(*content, segment.entries.empty() ? 0 : segment.entries.back().id))
            segment.entries.push_back(std::move(*entry));
        else
            ++segment.damaged;
    }
}

}  // namespace

bool is_history_header(std::span<const std::byte> bytes) {
    return bytes.size() >= sizeof(SegmentHeader) && take<SegmentHeader>(bytes).magic == kSegmentMagic;
}

std::vector<std::byte> history_header() {
    std::vector<std::byte> out;
    append(out, SegmentHeader{.magic = kSegmentMagic, .version = kVersion, .unused = 0});
    return out;
}

std::vector<std::byte> history_record(const report::HistoryEntry& entry) {
    const auto content = encode(StoredEntry{
        entry.id, entry.source, {entry.event, to_string(entry.event.transition), to_string(entry.event.cause)}});
    if (content.size() > kHistoryRecordBytesMax) return {};
    std::vector<std::byte> out;
    out.reserve(sizeof(RecordHeader) + content.size());
    append(out, RecordHeader{.magic = kRecordMagic,
                             .length = static_cast<std::uint32_t>(content.size()),
                             .checksum = fnv1a(content)});
    out.insert(out.end(), content.begin(), content.end());
    return out;
}

HistorySegment read_history_segment(std::span<const std::byte> bytes) {
    HistorySegment segment;
    if (bytes.size() < sizeof(SegmentHeader)) {
        segment.problem = "it ends within its header";
        return segment;
    }
    const auto header = take<SegmentHeader>(bytes);
    if (header.magic != kSegmentMagic) {
        segment.problem = "it is not a file of events";
        return segment;
    }
    if (header.version != kVersion) {
        segment.problem = fmt::format("it has format {}, this version reads format {}", header.version, kVersion);
        return segment;
    }
    read_records(bytes.subspan(sizeof header), segment);
    if (segment.damaged > 0)
        segment.problem = fmt::format("it is damaged in {} {}{}; {} events of it are used", segment.damaged,
                                      segment.damaged == 1 ? "place" : "places",
                                      segment.damaged == kHistoryDamageMax ? ", and the rest is not read" : "",
                                      segment.entries.size());
    return segment;
}

}  // namespace mainstay::ipc
