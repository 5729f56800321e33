#include "mainstay/record/recorder.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "mainstay/config/members.hpp"
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

void Recorder::learn(const config::Config& config) {
    configuration_ = mainstay::encode(secrets_.without(config));
    learned_ = true;
}

// The configuration and state of `router`.
void Recorder::key_frame(ByteWriter& out, const vrrp::Router& router, Instant now, bool continues) {
    if (!learned_) learn(router.config());
    out(now, wall_(), continues);
    out.number(configuration_.size());
    out.raw(configuration_);
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
    if (!learned_) learn(router.config());
    next_ = mainstay::encode(secrets_.without(next));
    open(router, now, [&](ByteWriter& out) {
        out(EntryKind::Reload);
        out.signed_number((now - segments_.last()).count());
        out.number(next_->size());
        out.raw(*next_);
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

}  // namespace mainstay::record
