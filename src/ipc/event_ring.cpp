// Layout: a header with the number of the newest event, then kEventRingSlots slots of fixed size. Event n lives in slot
// n mod kEventRingSlots. A slot's number is set to 0 before its bytes change and to n after, so a reader can see a torn
// slot.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "mainstay/base/framed_archive.hpp"
#include "mainstay/ipc/shared.hpp"
#include "memfd.hpp"
#include "stored_event.hpp"

namespace mainstay::ipc {

namespace {

std::vector<std::byte> encode_stored(const Event& event) {
    return encode(StoredEvent{event, to_string(event.transition), to_string(event.cause)});
}

Result<Event> decode_stored(std::span<const std::byte> bytes) {
    auto stored = decode<StoredEvent>(bytes);
    if (!stored) return error_of(stored);
    return event_of(std::move(*stored));
}

// No ring gets this many events: a reader refuses a greater number. A writer takes over half of it at most, because a
// forged one near the limit would prevent its own events from being read.
constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 62;
constexpr std::uint64_t kTakenOverMax = kNumberMax / 2;

struct RingHeader {
    std::atomic<std::uint64_t> newest;
    std::uint64_t unused[7];
};
struct Slot {
    std::atomic<std::uint64_t> number;
    std::uint32_t length;
    std::byte bytes[kEventBytesMax];
};

}  // namespace

struct EventRing::Mapping {
    Mapped memory;
    [[nodiscard]] RingHeader& header() const { return *reinterpret_cast<RingHeader*>(memory.data()); }
    [[nodiscard]] std::uint64_t slots() const { return (memory.size() - sizeof(RingHeader)) / sizeof(Slot); }
    [[nodiscard]] Slot& slot(std::uint64_t number) const {
        return reinterpret_cast<Slot*>(memory.data() + sizeof(RingHeader))[number % slots()];
    }
};

EventRing::EventRing(std::unique_ptr<Mapping> mapping) : mapping_{std::move(mapping)} {}
EventRing::EventRing(EventRing&&) noexcept = default;
EventRing& EventRing::operator=(EventRing&&) noexcept = default;
EventRing::~EventRing() = default;

std::size_t event_ring_bytes() { return sizeof(RingHeader) + kEventRingSlots * sizeof(Slot); }

Result<EventRing> EventRing::map(int fd, bool writable) {
    auto memory = Mapped::map(fd, writable);
    if (!memory) return error_of(memory, "event ring");
    if (memory->size() < sizeof(RingHeader) + 2 * sizeof(Slot)) return fail(Errc::Invalid, "event ring: too small");
    EventRing ring{std::make_unique<Mapping>(std::move(*memory))};
    auto& newest = ring.mapping_->header().newest;
    if (writable && newest.load(std::memory_order_acquire) > kTakenOverMax) newest.store(0, std::memory_order_release);
    return ring;
}

namespace {

// Names come from the configuration and are short in practice; reason and detail are the only free texts.
std::vector<std::byte> encode_bounded(Event event) {
    auto bytes = encode_stored(event);
    if (bytes.size() > kEventBytesMax) {
        event.reason.clear();
        event.plain.clear();
        if (event.source->size() > kEventBytesMax / 4) event.source = event.source->substr(0, kEventBytesMax / 4);
        bytes = encode_stored(event);
    }
    if (bytes.size() > kEventBytesMax) {
        const std::size_t excess = bytes.size() - kEventBytesMax;
        event.detail.resize(event.detail.size() > excess ? event.detail.size() - excess : 0);
        bytes = encode_stored(event);
        if (bytes.size() > kEventBytesMax) {
            event.name.resize(std::min<std::size_t>(event.name.size(), kEventBytesMax / 4));
            event.parent.resize(std::min<std::size_t>(event.parent.size(), kEventBytesMax / 4));
            bytes = encode_stored(event);
        }
    }
    return bytes;
}

}  // namespace

// A mark beyond the newest event is of an earlier ring: read_after() begins anew then.
bool EventRing::has_room(std::uint64_t read) const {
    const std::uint64_t newest = mapping_->header().newest.load(std::memory_order_relaxed);
    return newest - (read > newest ? 0 : read) < mapping_->slots();
}

void EventRing::write(std::span<const std::byte> bytes) {
    const std::uint64_t number = mapping_->header().newest.load(std::memory_order_relaxed) + 1;
    Slot& slot = mapping_->slot(number);
    slot.number.store(0, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    slot.length = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(slot.bytes, bytes.data(), bytes.size());
    slot.number.store(number, std::memory_order_release);
    mapping_->header().newest.store(number, std::memory_order_release);
}

void EventRing::write_oldest() {
    write(waiting_.front());
    waiting_.pop_front();
}

std::uint64_t EventRing::append(Event event) {
    return append(std::move(event), mapping_->header().newest.load(std::memory_order_relaxed));
}

std::uint64_t EventRing::append(Event event, std::uint64_t read) {
    event.number = mapping_->header().newest.load(std::memory_order_relaxed) + waiting_.size() + 1;
    const auto number = event.number;
    auto bytes = encode_bounded(std::move(event));
    if (write_waiting(read) && has_room(read)) {
        write(bytes);
        return number;
    }
    if (waiting_.size() >= kEventsWaitingMax) write_oldest();
    waiting_.push_back(std::move(bytes));
    return number;
}

bool EventRing::write_waiting(std::uint64_t read) {
    while (!waiting_.empty() && has_room(read)) write_oldest();
    return waiting_.empty();
}

void EventRing::write_all_waiting() {
    while (!waiting_.empty()) write_oldest();
}

EventRing::Batch EventRing::read_after(std::uint64_t number, std::size_t limit) const {
    Batch batch;
    batch.last = number;
    const std::uint64_t newest = mapping_->header().newest.load(std::memory_order_acquire);
    if (newest > kNumberMax) return batch;
    // More was acknowledged than written: the ring is new, so start at its beginning.
    if (number > newest) number = 0;
    const std::uint64_t oldest = newest >= mapping_->slots() ? newest - mapping_->slots() + 1 : 1;
    if (number + 1 < oldest) {
        batch.lost = oldest - number - 1;
        number = oldest - 1;
    }
    while (number < newest && batch.events.size() < limit) {
        ++number;
        const Slot& slot = mapping_->slot(number);
        const bool written = slot.number.load(std::memory_order_acquire) == number;
        // Read once, because a hostile writer may change it between two reads.
        const std::uint32_t length = *const_cast<const volatile std::uint32_t*>(&slot.length);
        const bool there = written && length <= kEventBytesMax;
        std::vector<std::byte> copy;
        if (there) copy.assign(slot.bytes, slot.bytes + length);
        std::atomic_thread_fence(std::memory_order_acquire);
        const bool still = there && slot.number.load(std::memory_order_relaxed) == number;
        auto event = still ? decode_stored(copy) : Result<Event>{fail(Errc::State, "overwritten")};
        if (event)
            batch.events.push_back(std::move(*event));
        else
            ++batch.lost;
        batch.last = number;
    }
    return batch;
}

std::size_t read_mark_bytes() { return sizeof(std::uint64_t); }

Result<ReadMark> ReadMark::map(int fd, bool writable) {
    auto memory = MappedRecord::map(fd, writable);
    if (!memory) return error_of(memory, "read mark");
    if (memory->bytes().size() < read_mark_bytes()) return fail(Errc::Invalid, "read mark: too small");
    return ReadMark{std::move(*memory)};
}

std::atomic<std::uint64_t>& ReadMark::value() const {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(memory_.bytes().data());
}

void ReadMark::set(std::uint64_t number) { value().store(number, std::memory_order_release); }

std::uint64_t ReadMark::number() const { return value().load(std::memory_order_acquire); }

}  // namespace mainstay::ipc
