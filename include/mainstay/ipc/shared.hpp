// Shared memory between roles: state blocks and event rings. The supervisor creates the memfds and passes them to the
// roles, so they outlive a crashed role.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/framed_archive.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::ipc {

// In bytes. The memfd is sparse: only written pages take memory.
inline constexpr std::size_t kStateBlockBytes = 128U << 20;  // two slots of 64 MB
inline constexpr std::size_t kEventRingSlots = 4096;
inline constexpr std::size_t kEventBytesMax = 1024;
[[nodiscard]] std::size_t event_ring_bytes();  // what to give make_memfd() for a ring

// Limits for what a receiver reads or maps, in bytes: a compromised sender could seal a memfd of any size, whose pages
// take memory only when they are read.
inline constexpr std::size_t kSealedBytesMax = 1U
                                               << 30;  // a configuration of tens of thousands of services takes a tenth
inline constexpr std::size_t kTextBytesMax = 256U << 20;  // for an operator, or for a dump file
inline constexpr std::size_t kSharedBytesMax = 1U << 30;

[[nodiscard]] Result<UniqueFd> make_memfd(std::string_view name, std::size_t size);
// Creates a memfd with this content and seals it against every change.
[[nodiscard]] Result<UniqueFd> make_sealed_memfd(std::string_view name, std::span<const std::byte> content);
// The same for content that is encoded piece by piece, to save a second copy.
class SealedMemfd final : public EncodingTarget {
public:
    explicit SealedMemfd(std::string_view name);
    void append(std::span<const std::byte> piece) override;
    void overwrite(std::size_t at, std::span<const std::byte> bytes) override;
    [[nodiscard]] Result<UniqueFd> seal();  // returns the first error of any write

private:
    std::string name_;
    Result<UniqueFd> fd_;
};
template <class T>
[[nodiscard]] Result<UniqueFd> encode_sealed(std::string_view name, const T& value) {
    static constexpr std::size_t kPiece = 64 * 1024;
    std::vector<std::byte> room(kPiece);
    SealedMemfd memfd{name};
    Encoder encoder{room, memfd};
    encoder(value);
    encoder.finish();
    return memfd.seal();
}
// The size of a memfd that is sealed against every change and has at most `most` bytes; else Errc::Permission or
// Errc::Limit. A sender cannot change such a memfd any more, even if it kept descriptors of it.
[[nodiscard]] Result<std::size_t> sealed_size(int fd, std::size_t most = kSealedBytesMax);
// The contents of a memfd that sealed_size() accepts.
[[nodiscard]] Result<std::vector<std::byte>> read_memfd(int fd, std::size_t most = kSealedBytesMax);

// Creates memory that one process writes and others read. Its size is sealed, and only root may reopen it.
[[nodiscard]] Result<UniqueFd> make_shared_memfd(std::string_view name, std::size_t size);
// Seals the size of a memfd that another program made. An error: it cannot be sealed, or exceeds kSharedBytesMax.
[[nodiscard]] Result<void> seal_size(int fd);
// A read-only descriptor of the same memory, which does not permit writable mappings.
[[nodiscard]] Result<UniqueFd> read_only(int fd);

// One writer, many readers. Two slots, each with a sequence number and a checksum: if the writer dies during a write,
// the other slot still has the last complete state.
class StateBlock {
public:
    [[nodiscard]] static Result<StateBlock> map(int fd, bool writable);  // does not take the descriptor
    StateBlock(StateBlock&&) noexcept;
    StateBlock& operator=(StateBlock&&) noexcept;
    ~StateBlock();

    // Called with the available room; returns how many bytes it wrote, or, if more, how many it needs.
    using Writer = std::function<std::size_t(std::span<std::byte> room)>;
    // Errc::Limit if the content does not fit into a slot.
    [[nodiscard]] Result<void> publish(const Writer& write);
    [[nodiscard]] Result<void> publish(std::span<const std::byte> content);
    // The newest complete content; Errc::NotFound if nothing has been published.
    [[nodiscard]] Result<std::vector<std::byte>> read() const;
    // Increases by one with every publish; cheap to read.
    [[nodiscard]] std::uint64_t sequence() const;

private:
    struct Mapping;
    explicit StateBlock(std::unique_ptr<Mapping> mapping);
    std::unique_ptr<Mapping> mapping_;
};

// Events that wait for room in a ring, encoded: every server of a large configuration goes and returns at once.
inline constexpr std::size_t kEventsWaitingMax = 131'072;

// A ring of numbered events with one writer. A reader may resume after any number, and gets the number of events that
// were overwritten in the meantime: the newest overwrite the oldest where more than kEventsWaitingMax wait to be read.
class EventRing {
public:
    [[nodiscard]] static Result<EventRing> map(int fd, bool writable);
    EventRing(EventRing&&) noexcept;
    EventRing& operator=(EventRing&&) noexcept;
    ~EventRing();

    // Gives the event the next number and returns it. Numbers continue across incarnations of the writer. The detail of
    // an event that exceeds kEventBytesMax is truncated.
    std::uint64_t append(Event event);
    // `read`: up to which number the events have been read. What would overwrite a later one waits for write_waiting().
    std::uint64_t append(Event event, std::uint64_t read);
    // Writes what waits as far as there is room; true: nothing waits any more.
    bool write_waiting(std::uint64_t read);
    void write_all_waiting();  // also over what has not been read

    struct Batch {
        std::vector<Event> events;  // oldest first, at most `limit`
        std::uint64_t lost = 0;     // overwritten before they were read
        std::uint64_t last = 0;     // number after which to resume
    };
    [[nodiscard]] Batch read_after(std::uint64_t number, std::size_t limit = 256) const;

private:
    struct Mapping;
    explicit EventRing(std::unique_ptr<Mapping> mapping);
    [[nodiscard]] bool has_room(std::uint64_t read) const;
    void write(std::span<const std::byte> bytes);
    void write_oldest();

    std::unique_ptr<Mapping> mapping_;
    std::deque<std::vector<std::byte>> waiting_;
};

// The numbers of inherited descriptors.
namespace inherited {
inline constexpr int kControl = 3;       // SEQPACKET to the supervisor
inline constexpr int kOwnBlock = 4;      // the role's own state block, writable
inline constexpr int kOwnRing = 5;       // vrrp, lvs: own event ring
inline constexpr int kObserverKick = 6;  // vrrp, lvs: eventfd, add 1 after an event; obs: the same, readable
inline constexpr int kVrrpBlock = 7;     // obs: the roles' blocks and rings
inline constexpr int kVrrpRing = 8;
inline constexpr int kLvsBlock = 9;
inline constexpr int kLvsRing = 10;
inline constexpr int kBfdBlock = 11;
inline constexpr int kIpvsNamespace = 12;  // lvs, when RoleStartup says so: a network namespace
inline constexpr int kOwnRecord = 13;  // vrrp, lvs, when RoleStartup says so: the flight recorder's memory, writable
inline constexpr int kApiSocket = 14;  // obs, when RoleStartup says so: the API's, on which clients may wait already
inline constexpr int kReadMark = 15;   // vrrp, lvs: how far the observer has read the own ring
inline constexpr int kVrrpMark = 16;   // obs: these marks, writable
inline constexpr int kLvsMark = 17;
// reader in a dry run: the roles' running snapshots
inline constexpr int kRunningVrrp = 4;
inline constexpr int kRunningLvs = 5;
inline constexpr int kRunningObserver = 6;
}  // namespace inherited

// The memory of a flight recorder: the supervisor creates it, the role writes to it, and mainstayctl reads it. What is
// in it is the module record's.

class MappedRecord {
public:
    // Seals the size. Does not take the descriptor. Read-only memory must not be written to.
    [[nodiscard]] static Result<MappedRecord> map(int fd, bool writable);
    MappedRecord(MappedRecord&&) noexcept;
    MappedRecord& operator=(MappedRecord&&) noexcept;
    ~MappedRecord();
    [[nodiscard]] std::span<std::byte> bytes() const;

private:
    struct Mapping;
    explicit MappedRecord(std::unique_ptr<Mapping> mapping);
    std::unique_ptr<Mapping> mapping_;
};

// How far a ring has been read, in memory of its own: the ring's reader writes it, and its writer reads it.
class ReadMark {
public:
    [[nodiscard]] static Result<ReadMark> map(int fd, bool writable);
    void set(std::uint64_t number);  // only if it was mapped writable
    [[nodiscard]] std::uint64_t number() const;

private:
    explicit ReadMark(MappedRecord memory) : memory_{std::move(memory)} {}
    [[nodiscard]] std::atomic<std::uint64_t>& value() const;
    MappedRecord memory_;
};
[[nodiscard]] std::size_t read_mark_bytes();  // what to give make_memfd() for it

}  // namespace mainstay::ipc
