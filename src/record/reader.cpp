#include "mainstay/record/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>

#include "mainstay/config/members.hpp"
#include "mainstay/lvs/fact_state.hpp"
#include "mainstay/vrrp/fact_state.hpp"
#include "reading.hpp"

namespace mainstay::record {

std::string_view program_version() { return MAINSTAY_VERSION; }

std::unexpected<Error> damaged(std::string_view what) {
    return fail(Errc::Invalid, fmt::format("the record is damaged: {}", what));
}

namespace {

constexpr int kCopiesMax = 3;  // of a segment that is begun again while it is copied
constexpr std::size_t kInstancesMax = 100'000;

std::uint64_t load(const std::uint64_t& value) {
    return std::atomic_ref{const_cast<std::uint64_t&>(value)}.load(std::memory_order_acquire);  // NOLINT: only read
}

// The segment as it is now; none while it is begun, or if its role writes nonsense.
std::optional<Segment> copy_of(std::span<const std::byte> memory, std::size_t at) {
    const std::size_t size = segment_bytes(memory.size());
    const auto whole = memory.subspan(sizeof(MemoryHeader) + at * size, size);
    const auto& header = *reinterpret_cast<const SegmentHeader*>(whole.data());
    for (int copies = 0; copies < kCopiesMax; ++copies) {
        Segment segment{.number = load(header.number), .bytes = {}};
        const std::uint64_t used = load(header.used);
        if (segment.number == 0 || used > size - sizeof(SegmentHeader)) continue;
        const auto content = whole.subspan(sizeof(SegmentHeader), used);
        segment.bytes.assign(content.begin(), content.end());
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (load(header.number) == segment.number) return segment;
    }
    return std::nullopt;
}

Result<std::string> version_of(std::span<const std::byte> bytes) {
    MemoryHeader header;
    if (bytes.size() < sizeof header) return fail(Errc::Invalid, "this is not a flight record: it is too short");
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.magic != kMagic) return fail(Errc::Invalid, "this is not a flight record");
    if (header.format != kFormat)
        return fail(Errc::Unsupported,
                    fmt::format("the record has format {}; this program reads format {}", header.format, kFormat));
    std::string version{header.version.data(), ::strnlen(header.version.data(), kVersionBytes)};
    const auto is_plain = [](char c) { return c > ' ' && c <= '~'; };
    if (!std::ranges::all_of(version, is_plain)) return damaged("its version");
    return version;
}

template <std::size_t... I>
bool read_alternative(ByteReader& in, std::size_t index, vrrp::Fact& fact, std::index_sequence<I...>) {
    bool known = false;
    const auto attempt = [&]<std::size_t K>() {
        using F = std::variant_alternative_t<K, vrrp::Fact>;
        if constexpr (!std::is_same_v<F, vrrp::PacketHeard>)
            if (K == index) {
                known = true;
                in(fact.emplace<F>());
            }
    };
    (attempt.template operator()<I>(), ...);
    return known;
}

bool is_unused(std::span<const std::byte> memory) {
    return std::ranges::all_of(memory.first(sizeof(MemoryHeader)), [](std::byte b) { return b == std::byte{0}; });
}

// What several memories hold, and the header of their file.
struct Gathered {
    MemoryHeader header;
    std::array<std::vector<Segment>, kMachines> segments;
};

Result<void> gather(std::span<const std::byte> memory, Gathered& all) {
    const auto version = version_of(memory);
    if (!version) return error_of(version);
    MemoryHeader header;
    std::memcpy(&header, memory.data(), sizeof header);
    const auto machine = static_cast<std::size_t>(header.machine);
    if (machine >= kMachines || !all.segments[machine].empty()) return damaged("whose it is");
    header.machine = Machine::Router;  // a file is of both
    if (all.header.magic == kMagic && all.header.version != header.version)
        return damaged("its parts are of two versions of the program");
    all.header = header;
    for (std::size_t at = 0; at < kSegments; ++at)
        if (auto segment = copy_of(memory, at)) all.segments[machine].push_back(std::move(*segment));
    std::ranges::sort(all.segments[machine], {}, &Segment::number);
    return {};
}

}  // namespace

Result<std::shared_ptr<const config::Config>> read_configuration(ByteReader& in) {
    const auto bytes = in.raw(in.length());
    if (!in.ok()) return damaged("a configuration ends early");
    auto config = decode<config::Config>(bytes);
    if (!config) return error_of(config, "the configuration in the record");
    if (config->instances.size() > kInstancesMax) return damaged("its configuration has too many instances");
    if (!has_possible_times(*config)) return damaged("its configuration has an impossible time");
    return std::make_shared<const config::Config>(std::move(*config));
}

Result<std::vector<std::byte>> file_of_memories(std::span<const std::span<const std::byte>> memories, WallTime saved) {
    Gathered all;
    std::size_t bytes = sizeof(MemoryHeader) + 256;
    for (const auto memory : memories) {
        if (segment_bytes(memory.size()) == 0) return fail(Errc::NotFound, "there is no flight record");
        if (is_unused(memory)) continue;
        if (const auto gathered = gather(memory, all); !gathered) return error_of(gathered);
        bytes += memory.size();
    }
    std::size_t count = 0;
    for (const auto& segments : all.segments) count += segments.size();
    if (count == 0) return fail(Errc::NotFound, "nothing has been recorded yet");
    std::vector<std::byte> file(bytes);
    ByteWriter out{file};
    out.raw(std::as_bytes(std::span{&all.header, 1}));
    out(saved);
    out.number(count);
    for (std::size_t machine = 0; machine < kMachines; ++machine) {
        for (const Segment& segment : all.segments[machine]) {
            out(static_cast<std::uint8_t>(machine));
            out.number(segment.number);
            out(hash_of(segment.bytes), segment.bytes);
        }
    }
    file.resize(out.size());
    return file;
}

Result<std::vector<std::byte>> file_of_memory(std::span<const std::byte> memory, WallTime saved) {
    return file_of_memories(std::span{&memory, 1}, saved);
}

std::optional<std::size_t> unwritten_key_frame(std::span<const std::byte> memory) {
    const std::size_t size = segment_bytes(memory.size());
    if (size == 0) return std::nullopt;
    for (std::size_t at = 0; at < kSegments; ++at) {
        const auto& header = *reinterpret_cast<const SegmentHeader*>(memory.data() + sizeof(MemoryHeader) + at * size);
        const std::uint64_t used = load(header.used);
        if (load(header.number) == 0 && used > size - sizeof(SegmentHeader)) return used;
    }
    return std::nullopt;
}

Result<Record> read_record(std::span<const std::byte> file) {
    auto version = version_of(file);
    if (!version) return error_of(version);
    Record record{.version = std::move(*version), .saved = {}, .segments = {}, .judge_segments = {}};
    ByteReader in{file.subspan(sizeof(MemoryHeader))};
    in(record.saved);
    std::size_t count = in.length();
    if (count > kSegments * kMachines) return damaged("it has too many parts");
    for (; count > 0 && in.ok(); --count) {
        std::uint8_t machine = 0;
        in(machine);
        Segment segment{.number = in.number(), .bytes = {}};
        std::uint64_t hash = 0;
        in(hash, segment.bytes);
        if (!in.ok()) break;
        if (machine >= kMachines) return damaged("a part is of an unknown process");
        if (hash_of(segment.bytes) != hash) return damaged("its checksum is wrong");
        auto& segments = machine == 0 ? record.segments : record.judge_segments;
        if (segments.size() == kSegments) return damaged("it has too many parts");
        segments.push_back(std::move(segment));
    }
    if (!in.ok()) return damaged("it ends early");
    if (in.left() != 0) return damaged("something follows its end");
    if (record.segments.empty() && record.judge_segments.empty()) return damaged("it is empty");
    return record;
}

Result<KeyFrame> SegmentReader::key_frame() {
    ByteReader in{bytes_};
    KeyFrame frame;
    in(frame.now, frame.wall, frame.continues);
    auto config = read_configuration(in);
    if (!config) return error_of(config);
    frame.config = std::move(*config);
    at_ = bytes_.size() - in.left();
    frame.state = bytes_.subspan(at_);
    last_ = frame.now;
    return frame;
}

Instant read_time(ByteReader& in, Instant last) {
    const std::int64_t since = in.signed_number();
    if (since > ByteReader::kTimeMax || since < -ByteReader::kTimeMax) in.refuse();
    if (!in.ok()) return last;
    const Instant now = last + Nanos{since};
    if (const auto at = now.time_since_epoch().count(); at > ByteReader::kTimeMax || at < 0) in.refuse();
    return now;
}

void SegmentReader::entries_after(std::size_t state_bytes) { at_ += std::min(state_bytes, bytes_.size() - at_); }

void SegmentReader::read_packet(ByteReader& in, bool again, Entry& entry) const {
    const std::int64_t waited = in.signed_number();
    if (waited > ByteReader::kTimeMax || waited < -ByteReader::kTimeMax) in.refuse();
    std::span<const std::byte> bytes;
    if (again) {
        const std::uint64_t at = in.number();
        if (!in.ok() || at >= at_) return in.refuse();
        ByteReader there{bytes_.subspan(at, at_ - at)};
        bytes = there.raw(there.length());
        if (!there.ok()) in.refuse();
    } else {
        bytes = in.raw(in.length());
    }
    vrrp::PacketHeard packet;
    packet.waited = Nanos{waited};
    ByteReader parts{bytes};
    parts(packet.interface, packet.source, packet.destination, packet.ttl, packet.protocol);
    packet.ip_header = parts.raw(parts.length());
    packet.payload = parts.raw(parts.left());
    if (!parts.ok()) in.refuse();
    entry.what = std::move(packet);
}

void SegmentReader::read_clock(ByteReader& in, Entry& entry) {
    const std::int64_t change = in.signed_number();
    if (change > ByteReader::kTimeMax || change < -ByteReader::kTimeMax) return in.refuse();
    clock_offset_us_ += change;
    if (clock_offset_us_ > ByteReader::kTimeMax || clock_offset_us_ < -ByteReader::kTimeMax) return in.refuse();
    const auto micros = std::chrono::duration_cast<Micros>(entry.now.time_since_epoch()).count();
    entry.what = vrrp::ClockTold{WallTime{micros + clock_offset_us_}};
}

Result<void> SegmentReader::read_what(ByteReader& in, EntryKind kind, Entry& entry) {
    switch (kind) {
        case EntryKind::Packet:
        case EntryKind::PacketAgain:
            read_packet(in, kind == EntryKind::PacketAgain, entry);
            return {};
        case EntryKind::Deadline:
            entry.what = vrrp::DeadlineReached{};
            return {};
        case EntryKind::Clock:
            read_clock(in, entry);
            return {};
        case EntryKind::Fact: {
            std::uint8_t index = 0;
            in(index);
            vrrp::Fact fact;
            if (!read_alternative(in, index, fact, std::make_index_sequence<std::variant_size_v<vrrp::Fact>>{}))
                in.refuse();
            entry.what = std::move(fact);
            return {};
        }
        case EntryKind::Start:
            in(entry.what.emplace<Started>().previous);
            return {};
        case EntryKind::Reload: {
            auto config = read_configuration(in);
            if (!config) return error_of(config);
            auto& reloaded = entry.what.emplace<Reloaded>();
            reloaded.config = std::move(*config);
            in(reloaded.host);
            return {};
        }
    }
    in.refuse();
    return {};
}

Result<std::optional<Entry>> SegmentReader::next() {
    if (at_ == bytes_.size()) return std::nullopt;
    ByteReader in{bytes_.subspan(at_)};
    Entry entry;
    EntryKind kind{};
    in(kind);
    entry.now = read_time(in, last_);
    if (in.ok())
        if (auto read = read_what(in, kind, entry); !read) return error_of(read);
    entry.intents = read_summary(in);
    if (!in.ok()) return damaged(fmt::format("the entry at byte {} of a segment", at_));
    at_ = bytes_.size() - in.left();
    last_ = entry.now;
    return entry;
}

namespace {

std::int64_t micros(Instant at) { return std::chrono::duration_cast<Micros>(at.time_since_epoch()).count(); }

Result<JudgeChanged> read_change(ByteReader& in) {
    using Kind = config::ServiceChange::Kind;
    JudgeChanged changed;
    for (std::size_t count = in.length(); count > 0 && in.ok(); --count) {
        auto& one = changed.services.emplace_back();
        one.at = in.number();
        in(one.kind);
        if (one.kind > Kind::Removed) in.refuse();
        if (!in.ok()) break;
        if (one.kind == Kind::Removed) continue;
        auto service = decode<config::VirtualServer>(in.raw(in.length()));
        if (!in.ok()) break;
        if (!service) return error_of(service, "a virtual server in the record");
        if (!has_possible_times(*service)) return damaged("a virtual server has an impossible time");
        one.after = std::move(*service);
    }
    return changed;
}

lvs::Fact read_fact(ByteReader& in) {
    std::uint8_t index = 0;
    in(index);
    lvs::Fact fact = lvs::DeadlineReached{};
    if (index == lvs::Fact{lvs::ConnectionsCounted{}}.index())
        in(fact.emplace<lvs::ConnectionsCounted>());
    else if (index == lvs::Fact{lvs::AddressesChanged{}}.index())
        in(fact.emplace<lvs::AddressesChanged>());
    else
        in.refuse();
    return fact;
}

template <class Configured>
Result<void> read_configured(ByteReader& in, Configured& configured) {
    auto config = read_configuration(in);
    if (!config) return error_of(config);
    configured.config = std::move(*config);
    return {};
}

}  // namespace

Result<KeyFrame> JudgeSegmentReader::key_frame() {
    ByteReader in{bytes_};
    KeyFrame frame;
    in(frame.now, frame.wall, frame.continues);
    if (auto read = read_configured(in, frame); !read) return error_of(read);
    at_ = bytes_.size() - in.left();
    frame.state = bytes_.subspan(at_);
    last_ = frame.now;
    wall_offset_us_ = frame.wall.unix_us - micros(frame.now);
    return frame;
}

void JudgeSegmentReader::entries_after(std::size_t state_bytes) { at_ += std::min(state_bytes, bytes_.size() - at_); }

// 0: empty; 1: it follows; else where in this segment it is, and 2.
std::string JudgeSegmentReader::read_text(ByteReader& in) const {
    constexpr std::uint64_t kEmpty = 0, kFollows = 1, kFirstPlace = 2;
    const std::uint64_t what = in.number();
    std::string text;
    if (!in.ok() || what == kEmpty) return text;
    if (what == kFollows) {
        in(text);
        return text;
    }
    const std::size_t here = bytes_.size() - in.left();
    const std::uint64_t at = what - kFirstPlace;
    if (at >= here) {
        in.refuse();
        return text;
    }
    ByteReader there{bytes_.subspan(at, here - at)};
    there(text);
    if (!there.ok()) in.refuse();
    return text;
}

lvs::CheckFinished JudgeSegmentReader::read_finished(ByteReader& in) const {
    lvs::CheckFinished fact;
    fact.checker = in.number();
    in(fact.outcome);
    const std::int64_t duration = in.signed_number();
    fact.duration = Micros{std::clamp(duration, -ByteReader::kTimeMax, ByteReader::kTimeMax)};
    fact.reason = read_text(in);
    fact.words = read_text(in);
    in(fact.weight, fact.weight_percent);
    if (fact.outcome > lvs::Outcome::NotRun) in.refuse();
    return fact;
}

Result<void> JudgeSegmentReader::read_what(ByteReader& in, JudgeEntryKind kind, JudgeEntry& entry) const {
    switch (kind) {
        case JudgeEntryKind::CheckFinished:
            entry.what = lvs::Fact{read_finished(in)};
            return {};
        case JudgeEntryKind::Deadline:
            entry.what = lvs::Fact{lvs::DeadlineReached{}};
            return {};
        case JudgeEntryKind::Fact:
            entry.what = read_fact(in);
            return {};
        case JudgeEntryKind::Command:
            in(entry.what.emplace<lvs::ServerCommand>());
            return {};
        case JudgeEntryKind::Start: {
            auto& started = entry.what.emplace<JudgeStarted>();
            if (auto read = read_configured(in, started); !read) return read;
            in(started.memory, started.overrides, started.host);
            return {};
        }
        case JudgeEntryKind::Reload: {
            auto& reloaded = entry.what.emplace<JudgeReloaded>();
            if (auto read = read_configured(in, reloaded); !read) return read;
            in(reloaded.host);
            return {};
        }
        case JudgeEntryKind::Change: {
            auto changed = read_change(in);
            if (!changed) return error_of(changed);
            in(changed->host);
            entry.what = std::move(*changed);
            return {};
        }
        case JudgeEntryKind::Stop:
            in(entry.what.emplace<JudgeStopped>().keep);
            return {};
    }
    in.refuse();
    return {};
}

Result<std::optional<JudgeEntry>> JudgeSegmentReader::next() {
    if (at_ == bytes_.size()) return std::nullopt;
    ByteReader in{bytes_.subspan(at_)};
    JudgeEntry entry;
    JudgeEntryKind kind{};
    in(kind);
    entry.now = read_time(in, last_);
    const std::int64_t moved = in.signed_number();
    if (moved > ByteReader::kTimeMax || moved < -ByteReader::kTimeMax) in.refuse();
    const std::int64_t offset = in.ok() ? wall_offset_us_ + moved : 0;
    if (offset > ByteReader::kTimeMax || offset < -ByteReader::kTimeMax) in.refuse();
    entry.wall = WallTime{micros(entry.now) + offset};
    if (in.ok())
        if (auto read = read_what(in, kind, entry); !read) return error_of(read);
    for (std::size_t count = in.length(); count > 0 && in.ok(); --count) entry.drawn.emplace_back(in.signed_number());
    entry.intents = read_summary(in);
    if (!in.ok()) return damaged(fmt::format("the entry at byte {} of a segment", at_));
    at_ = bytes_.size() - in.left();
    last_ = entry.now;
    wall_offset_us_ = offset;
    return entry;
}

}  // namespace mainstay::record
