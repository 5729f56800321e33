#include "mainstay/record/recorder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "mainstay/config/members.hpp"
#include "mainstay/lvs/fact_state.hpp"
#include "mainstay/vrrp/fact_state.hpp"

namespace mainstay::record {
namespace {

// The few bytes of most entries, which go to the memory at once: adverts come thousands a second.
class ShortEntry {
public:
    explicit ShortEntry(EntryKind kind) { bytes_[size_++] = static_cast<std::byte>(kind); }
    void number(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) bytes_[size_++] = static_cast<std::byte>(value | 0x80);
        bytes_[size_++] = static_cast<std::byte>(value);
    }
    void signed_number(std::int64_t value) {
        number(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
    }
    void write(ByteWriter& out) const { out.raw(std::span{bytes_}.first(size_)); }

private:
    static constexpr std::size_t kNumbersMax = 3, kNumberBytes = 10;
    std::array<std::byte, 1 + kNumbersMax * kNumberBytes> bytes_;  // NOLINT(*-member-init): written before it is read
    std::size_t size_ = 0;
};

}  // namespace

Recorder::Recorder(std::span<std::byte> memory, std::string_view version, Wall wall)
    : segments_{memory, version, Machine::Router}, wall_{std::move(wall)}, room_(kRoomAtFirst) {}

// The configuration and state of `router`.
void Recorder::key_frame(ByteWriter& out, const vrrp::Router& router, Instant now, bool continues) {
    std::vector<std::byte> encoded;
    if (configuration_.empty()) encoded = mainstay::encode(secrets_.without(router.config()));
    const std::span<const std::byte> bytes = configuration_.empty() ? std::span{encoded} : configuration_;
    out(now, wall_(), continues);
    out.number(bytes.size());
    out.raw(bytes);
    configuration_ = out.last(bytes.size());
    router.save(out);
    known_.forget();
    clock_offset_us_ = 0;
}

template <class Write>
void Recorder::open(const vrrp::Router& router, Instant now, Write&& write) {
    segments_.open(
        now, kSummaryBytesMax, [&](ByteWriter& out, bool continues) { key_frame(out, router, now, continues); },
        std::forward<Write>(write));
}

// The bytes of a packet, without how long it waited, in room_.
std::span<const std::byte> Recorder::encode(const vrrp::PacketHeard& packet) {
    const auto write = [&] {
        ByteWriter bytes{room_};
        bytes(packet.interface, packet.source, packet.destination, packet.ttl, packet.protocol);
        bytes.number(packet.ip_header.size());
        bytes.raw(packet.ip_header);
        bytes.raw(packet.payload);
        return bytes.size();
    };
    std::size_t size = write();
    if (size > room_.size()) {
        room_.resize(size * 2);
        size = write();
    }
    return std::span{room_}.first(size);
}

// Packets are recognised as they came, with their secrets, so that one that was heard before costs no more than a look.
void Recorder::put_packet(ByteWriter& out, const vrrp::PacketHeard& heard) {
    const auto known = known_.find(heard);
    ShortEntry entry{known ? EntryKind::PacketAgain : EntryKind::Packet};
    entry.signed_number((now_ - segments_.last()).count());
    entry.signed_number(heard.waited.count());
    if (known) entry.number(*known);
    entry.write(out);
    if (known) return;
    const auto bytes = encode(secrets_.without(heard));
    const std::size_t length_at = segments_.used() + out.size();
    out.number(bytes.size());
    out.raw(bytes);
    if (out.fits()) known_.keep(heard, length_at);
}

void Recorder::put_fact(ByteWriter& out, const vrrp::Fact& fact, Instant now) {
    now_ = now;
    if (const auto* packet = std::get_if<vrrp::PacketHeard>(&fact)) return put_packet(out, *packet);
    const auto* clock = std::get_if<vrrp::ClockTold>(&fact);
    const bool due = std::holds_alternative<vrrp::DeadlineReached>(fact);
    ShortEntry entry{due ? EntryKind::Deadline : clock != nullptr ? EntryKind::Clock : EntryKind::Fact};
    entry.signed_number((now - segments_.last()).count());
    if (clock != nullptr) {
        const std::int64_t offset =
            clock->at.unix_us - std::chrono::duration_cast<Micros>(now.time_since_epoch()).count();
        entry.signed_number(offset - std::exchange(clock_offset_us_, offset));
    }
    entry.write(out);
    if (!due && clock == nullptr) {
        out(static_cast<std::uint8_t>(fact.index()));
        std::visit(
            [&]<class F>(const F& f) {
                if constexpr (!std::is_same_v<F, vrrp::PacketHeard>) out(f);
            },
            fact);
    }
}

void Recorder::begin(const vrrp::Router& router, const vrrp::Fact& fact, Instant now) {
    const std::int64_t before = clock_offset_us_;
    open(router, now, [&](ByteWriter& out) { put_fact(out, fact, now); });
    if (!segments_.is_open()) clock_offset_us_ = before;
}

void Recorder::begin_start(const vrrp::Router& router, const vrrp::RouterSnapshot* previous, Instant now) {
    open(router, now, [&](ByteWriter& out) {
        out(EntryKind::Start);
        out.signed_number((now - segments_.last()).count());
        out(previous != nullptr);
        if (previous != nullptr) out(*previous);
    });
}

void Recorder::begin_reload(const vrrp::Router& router, const config::Config& next, const vrrp::HostFacts& host,
                            Instant now) {
    if (!works()) return;
    open(router, now, [&](ByteWriter& out) {
        const auto bytes = mainstay::encode(secrets_.without(next));
        out(EntryKind::Reload);
        out.signed_number((now - segments_.last()).count());
        out.number(bytes.size());
        out.raw(bytes);
        next_ = out.last(bytes.size());
        out(host);
    });
}

void Recorder::finish(const vrrp::Intents& intents) {
    if (next_) {
        configuration_ = *std::exchange(next_, std::nullopt);
        known_.forget();  // what was a stranger's password may be one of ours now
    }
    segments_.close([&](ByteWriter& out) {
        if (intents.empty())
            out.number(0);
        else
            write(out, summary_of(intents, room_));
    });
}

namespace {

constexpr std::size_t kTexts = 32;          // results of checks are a few texts
constexpr std::size_t kTextBytesMax = 256;  // longer ones are written again
// What is kept free for the random numbers of a step. Only starts and reloads of thousands of checks draw more; of such
// a step, which then may not fit into the rest of its segment, the number is known before.
constexpr std::size_t kDrawnBytes = 256;
constexpr std::size_t kBytesPerDraw = 6;  // of a delay of up to a month in microseconds

std::int64_t wall_offset(lvs::Moment at) {
    return at.wall.unix_us - std::chrono::duration_cast<Micros>(at.now.time_since_epoch()).count();
}

std::size_t checkers_in(const config::VirtualServer& service) {
    std::size_t count = 0;
    for (const auto& server : service.real_servers) count += server.checkers.size();
    return count;
}

std::size_t draws_of(const std::vector<config::VirtualServer>& services) {
    std::size_t count = 0;
    for (const auto& service : services) count += checkers_in(service);
    return count;
}

// One service after the other, straight into the record: a copy of a large configuration would be as large as all
// that the process holds of it.
void put_configuration(ByteWriter& out, JudgeSecrets& secrets, const config::Global& global,
                       const std::vector<config::VirtualServer>& services) {
    const auto decides = secrets.without(global);
    const auto service = [&](std::size_t at) { return secrets.without(services[at]); };
    out.sized([&](std::span<std::byte> room) {
        return encode_into(room, config::ServicesOneByOne{decides, OneByOne{services.size(), service}});
    });
}

}  // namespace

JudgeRecorder::JudgeRecorder(std::span<std::byte> memory, std::string_view version)
    : segments_{memory, version, Machine::Judge}, room_(kRoomAtFirst) {}

void JudgeRecorder::key_frame(ByteWriter& out, const lvs::Judge& judge, lvs::Moment at, bool continues) {
    out(at.now, at.wall, continues);
    put_configuration(out, secrets_, judge.global(), judge.services());
    judge.save(out);
    texts_.clear();
    wall_offset_us_ = wall_offset(at);
}

template <class Write>
void JudgeRecorder::open(const lvs::Judge& judge, lvs::Moment at, JudgeEntryKind kind, std::size_t draws,
                         Write&& write) {
    drawn_.clear();
    summary_.emplace(room_);
    open_wall_offset_us_ = wall_offset(at);
    segments_.open(
        at.now, kSummaryBytesMax + kDrawnBytes + draws * kBytesPerDraw,
        [&](ByteWriter& out, bool continues) { key_frame(out, judge, at, continues); },
        [&](ByteWriter& out) {
            out(kind);
            out.signed_number((at.now - segments_.last()).count());
            out.signed_number(open_wall_offset_us_ - wall_offset_us_);
            write(out);
        });
}

void JudgeRecorder::put_text(ByteWriter& out, const std::string& text) {
    if (text.empty()) return out.number(0);
    const auto known = std::ranges::find(texts_, text, &Known::text);
    if (known != texts_.end()) return out.number(known->at + 2);
    out.number(1);
    const std::size_t at = segments_.used() + out.size();
    out(text);
    if (text.size() > kTextBytesMax) return;
    if (texts_.size() < kTexts)
        texts_.push_back({text, at});
    else
        texts_[next_text_++ % kTexts] = {text, at};
}

void JudgeRecorder::put_finished(ByteWriter& out, const lvs::CheckFinished& fact) {
    out.number(fact.checker);
    out(fact.outcome);
    out.signed_number(fact.duration.count());
    put_text(out, fact.reason);
    put_text(out, fact.words);
    out(fact.weight, fact.weight_percent);
}

void JudgeRecorder::begin(const lvs::Judge& judge, const lvs::Fact& fact, lvs::Moment at) {
    if (const auto* finished = std::get_if<lvs::CheckFinished>(&fact))
        return open(judge, at, JudgeEntryKind::CheckFinished, 0,
                    [&](ByteWriter& out) { put_finished(out, *finished); });
    if (std::holds_alternative<lvs::DeadlineReached>(fact))
        return open(judge, at, JudgeEntryKind::Deadline, 0, [](ByteWriter&) {});
    const bool addresses = std::holds_alternative<lvs::AddressesChanged>(fact);  // checks that resume draw
    open(judge, at, JudgeEntryKind::Fact, addresses ? draws_of(judge.services()) : 0, [&](ByteWriter& out) {
        out(static_cast<std::uint8_t>(fact.index()));
        std::visit(
            [&]<class F>(const F& f) {
                if constexpr (!std::is_same_v<F, lvs::CheckFinished>) out(f);
            },
            fact);
    });
}

void JudgeRecorder::begin_command(const lvs::Judge& judge, const lvs::ServerCommand& command, lvs::Moment at) {
    open(judge, at, JudgeEntryKind::Command, 0, [&](ByteWriter& out) { out(command); });
}

void JudgeRecorder::begin_start(const lvs::Judge& judge, const config::Config& config, const lvs::Memory& memory,
                                const lvs::Overrides& overrides, const lvs::HostFacts& host, lvs::Moment at) {
    if (!works()) return;
    open(judge, at, JudgeEntryKind::Start, draws_of(config.virtual_servers), [&](ByteWriter& out) {
        put_configuration(out, secrets_, config.global, config.virtual_servers);
        out(memory, overrides, host);
    });
}

void JudgeRecorder::begin_reload(const lvs::Judge& judge, const config::Config& next, const lvs::HostFacts& host,
                                 lvs::Moment at) {
    if (!works()) return;
    open(judge, at, JudgeEntryKind::Reload, draws_of(next.virtual_servers), [&](ByteWriter& out) {
        put_configuration(out, secrets_, next.global, next.virtual_servers);
        out(host);
    });
}

void JudgeRecorder::begin_change(const lvs::Judge& judge, const std::vector<config::ServiceChange>& changes,
                                 const lvs::HostFacts& host, lvs::Moment at) {
    if (!works()) return;
    std::size_t draws = 0;
    for (const auto& change : changes) draws += checkers_in(change.after);
    open(judge, at, JudgeEntryKind::Change, draws, [&](ByteWriter& out) {
        out.number(changes.size());
        for (const auto& change : changes) {
            out.number(change.at);
            out(change.kind);
            if (change.kind == config::ServiceChange::Kind::Removed) continue;
            out.sized([&](std::span<std::byte> room) { return encode_into(room, secrets_.without(change.after)); });
        }
        out(host);
    });
}

void JudgeRecorder::begin_stop(const lvs::Judge& judge, bool keep, lvs::Moment at) {
    open(judge, at, JudgeEntryKind::Stop, 0, [&](ByteWriter& out) { out(keep); });
}

void JudgeRecorder::drew(Micros random) {
    if (segments_.is_open()) drawn_.push_back(random);
}

void JudgeRecorder::returned(const lvs::Intents& intents) {
    if (segments_.is_open()) add(*summary_, intents);
}

void JudgeRecorder::finish() {
    segments_.close([&](ByteWriter& out) {
        out.number(drawn_.size());
        for (const Micros random : drawn_) out.signed_number(random.count());
        write(out, summary_->summary());
    });
    wall_offset_us_ = open_wall_offset_us_;
}

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
