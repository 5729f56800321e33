// Layout: two slots, each a header and its content. A publish writes the slot that is not the newest: sequence 0
// first (the slot is void), then content, length and checksum, then the new sequence. A reader takes the slot with the
// greater sequence and a valid checksum, and checks the sequence again afterwards. Once a large content is complete,
// the memory of the other slot is returned to the kernel.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "mainstay/base/hash.hpp"
#include "mainstay/ipc/shared.hpp"
#include "memfd.hpp"

namespace mainstay::ipc {

namespace {

constexpr std::uint64_t kMagic = 0x4d53544154453032ULL;        // "MSTATE02"
constexpr std::uint64_t kFormerMagic = 0x4d53544154453031ULL;  // "MSTATE01", of 0.1

bool is_known(std::uint64_t magic) { return magic == kMagic || magic == kFormerMagic; }
std::uint64_t checksum_of(std::span<const std::byte> content, std::uint64_t magic) {
    return magic == kMagic ? fnv1a_of_words(content) : fnv1a(content);
}

struct SlotHeader {
    std::atomic<std::uint64_t> sequence;
    std::uint64_t magic;
    std::uint64_t length;
    std::uint64_t checksum;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// No block is published this often. A greater number is forged, and later ones would overflow.
constexpr std::uint64_t kSequenceMax = std::uint64_t{1} << 62;

constexpr std::size_t kKeptSlotBytes = 64U << 10;  // below that it is not worth the page faults of the next publish

}  // namespace

struct StateBlock::Mapping {
    Mapped memory;
    [[nodiscard]] std::size_t slot_bytes() const { return memory.size() / 2; }
    [[nodiscard]] SlotHeader& header(std::size_t slot) const {
        return *reinterpret_cast<SlotHeader*>(memory.data() + slot * slot_bytes());
    }
    [[nodiscard]] std::byte* content(std::size_t slot) const {
        return memory.data() + slot * slot_bytes() + sizeof(SlotHeader);
    }
    [[nodiscard]] std::size_t capacity() const { return slot_bytes() - sizeof(SlotHeader); }
    // Returns its memory to the kernel, except the page with the header, which becomes that of a void slot.
    void release(std::size_t slot) const {
        const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const std::size_t from = (slot * slot_bytes() + sizeof(SlotHeader) + page - 1) / page * page;
        const std::size_t to = (slot + 1) * slot_bytes() / page * page;
        header(slot).sequence.store(0, std::memory_order_release);
        // Fails for locked memory, which does no harm.
        if (from < to) static_cast<void>(::madvise(memory.data() + from, to - from, MADV_REMOVE));
    }
    // A slot that no correct writer can have left becomes void, so that a compromised writer cannot keep the next one
    // from publishing. With a running correct writer this changes nothing, because its slots are valid or void.
    void void_if_forged(std::size_t slot) const {
        SlotHeader& head = header(slot);
        std::uint64_t before = head.sequence.load(std::memory_order_acquire);
        if (before == 0 || (before <= kSequenceMax && is_known(head.magic) && head.length <= capacity())) return;
        head.sequence.compare_exchange_strong(before, 0, std::memory_order_acq_rel);
    }
    // Returns the content of a slot if it is complete.
    [[nodiscard]] std::optional<std::vector<std::byte>> read(std::size_t slot) const {
        const SlotHeader& head = header(slot);
        const std::uint64_t before = head.sequence.load(std::memory_order_acquire);
        // Read once: its writer may be hostile, and change it between two looks.
        const std::uint64_t length = *const_cast<const volatile std::uint64_t*>(&head.length);
        const std::uint64_t magic = *const_cast<const volatile std::uint64_t*>(&head.magic);
        if (before == 0 || !is_known(magic) || length > capacity()) return std::nullopt;
        std::vector<std::byte> copy(content(slot), content(slot) + length);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (head.sequence.load(std::memory_order_relaxed) != before || checksum_of(copy, magic) != head.checksum)
            return std::nullopt;
        return copy;
    }
};

StateBlock::StateBlock(std::unique_ptr<Mapping> mapping) : mapping_{std::move(mapping)} {}
StateBlock::StateBlock(StateBlock&&) noexcept = default;
StateBlock& StateBlock::operator=(StateBlock&&) noexcept = default;
StateBlock::~StateBlock() = default;

Result<StateBlock> StateBlock::map(int fd, bool writable) {
    auto memory = Mapped::map(fd, writable);
    if (!memory) return error_of(memory, "state block");
    if (memory->size() < 2 * sizeof(SlotHeader) + 128) return fail(Errc::Invalid, "state block: too small");
    auto mapping = std::make_unique<Mapping>(std::move(*memory));
    if (writable)
        for (const std::size_t slot : {0, 1}) mapping->void_if_forged(slot);
    return StateBlock{std::move(mapping)};
}

std::uint64_t StateBlock::sequence() const {
    return std::max(mapping_->header(0).sequence.load(std::memory_order_acquire),
                    mapping_->header(1).sequence.load(std::memory_order_acquire));
}

Result<void> StateBlock::publish(const Writer& write) {
    const std::uint64_t newest = sequence();
    const std::size_t slot = mapping_->header(0).sequence.load(std::memory_order_acquire) == newest ? 1 : 0;
    SlotHeader& head = mapping_->header(slot);
    head.sequence.store(0, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    const std::span<std::byte> room{mapping_->content(slot), mapping_->capacity()};
    const std::size_t size = write(room);
    if (size > room.size())
        return fail(Errc::Limit, "state of " + std::to_string(size) + " bytes does not fit a slot of " +
                                     std::to_string(room.size()));
    head.magic = kMagic;
    head.length = size;
    head.checksum = checksum_of(room.first(size), kMagic);
    head.sequence.store(newest + 1, std::memory_order_release);
    if (size > kKeptSlotBytes) mapping_->release(1 - slot);
    return {};
}

Result<void> StateBlock::publish(std::span<const std::byte> content) {
    return publish([content](std::span<std::byte> room) {
        std::ranges::copy(content.first(std::min(content.size(), room.size())), room.begin());
        return content.size();
    });
}

Result<std::vector<std::byte>> StateBlock::read() const {
    // During a publish a reader uses the other slot. If its slot is released or written during the copy, it retries:
    // publishes are further apart than a copy takes.
    constexpr int kTries = 16;
    for (int i = 0; i < kTries; ++i) {
        const std::uint64_t newest = sequence();
        if (newest == 0) return fail(Errc::NotFound, "nothing was published yet");
        const std::size_t slot = mapping_->header(0).sequence.load(std::memory_order_acquire) == newest ? 0 : 1;
        if (auto content = mapping_->read(slot)) return std::move(*content);
        if (auto content = mapping_->read(1 - slot)) return std::move(*content);
    }
    return fail(Errc::State, "no complete state: the writer died in its first publish or is overwriting without pause");
}

}  // namespace mainstay::ipc
