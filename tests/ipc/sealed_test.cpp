// Memory that crosses a boundary: what its sender can still do with it, and what its receiver takes.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "bytes.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/ipc/snapshot.hpp"
#include "mainstay/ipc/status.hpp"

using namespace mainstay;
using namespace mainstay::ipc;
using namespace mainstay::ipc::test;

TEST_CASE("a finished memfd cannot be changed by anybody, and its size is the one that was checked") {
    auto fd = make_sealed_memfd("test", bytes_of("content"));
    REQUIRE(fd);
    CHECK(*sealed_size(fd->get()) == 7);
    CHECK(::ftruncate(fd->get(), 0) != 0);
    CHECK(::ftruncate(fd->get(), 100) != 0);
    CHECK(::pwrite(fd->get(), "x", 1, 0) != 1);
    CHECK(::mmap(nullptr, 7, PROT_READ | PROT_WRITE, MAP_SHARED, fd->get(), 0) == MAP_FAILED);  // NOLINT
}

TEST_CASE("what is not sealed, or is no memfd, is not read") {
    const auto open_one = make_memfd("test", 100);
    CHECK(sealed_size(open_one->get()).error().code() == Errc::Permission);
    CHECK(read_memfd(open_one->get()).error().code() == Errc::Permission);
    for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_SEAL}) {
        const auto fd = make_memfd("test", 100);
        REQUIRE(::fcntl(fd->get(), F_ADD_SEALS,
                        (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) & ~missing) == 0);
        CHECK(read_memfd(fd->get()).error().code() == Errc::Permission);
        CHECK_FALSE(read_snapshot(fd->get()));
    }
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd in{ends[0]}, out{ends[1]};
    CHECK_FALSE(sealed_size(in.get()));
    const UniqueFd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    CHECK_FALSE(sealed_size(file.get()));
    CHECK_FALSE(sealed_size(-1));
}

TEST_CASE("a size that is a lie is refused before anything is allocated") {
    const auto fd = make_memfd("test", kSealedBytesMax + 1);
    REQUIRE(::fcntl(fd->get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0);
    CHECK(read_memfd(fd->get()).error().code() == Errc::Limit);
    CHECK_FALSE(read_snapshot(fd->get()));
    auto seven = make_sealed_memfd("test", bytes_of("content"));
    CHECK(read_memfd(seven->get(), 7));
    CHECK(read_memfd(seven->get(), 6).error().code() == Errc::Limit);
}

TEST_CASE("shared memory keeps its size, and readers cannot write it") {
    auto fd = make_shared_memfd("test", 8192);
    REQUIRE(fd);
    CHECK(::ftruncate(fd->get(), 0) != 0);
    CHECK(::ftruncate(fd->get(), 16384) != 0);
    CHECK(::fcntl(fd->get(), F_ADD_SEALS, F_SEAL_WRITE) != 0);
    CHECK(::pwrite(fd->get(), "x", 1, 0) == 1);
    struct stat info{};
    REQUIRE(::fstat(fd->get(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);

    auto reader = read_only(fd->get());
    REQUIRE(reader);
    CHECK(::pwrite(reader->get(), "x", 1, 0) != 1);
    CHECK(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, reader->get(), 0) == MAP_FAILED);  // NOLINT
    CHECK(StateBlock::map(reader->get(), false));
    CHECK_FALSE(StateBlock::map(reader->get(), true));
}

TEST_CASE("mapped memory has a sealed size within the limits, whichever program made it") {
    const auto old = make_memfd("test", 8192);
    REQUIRE(StateBlock::map(old->get(), true));
    CHECK(::ftruncate(old->get(), 0) != 0);
    const auto vast = make_memfd("test", kSharedBytesMax + 1);
    CHECK(StateBlock::map(vast->get(), false).error().code() == Errc::Limit);
    // One whose seals are sealed, without those that count.
    const auto stubborn = make_memfd("test", 8192);
    REQUIRE(::fcntl(stubborn->get(), F_ADD_SEALS, F_SEAL_SEAL) == 0);
    CHECK_FALSE(StateBlock::map(stubborn->get(), false));
    CHECK_FALSE(EventRing::map(stubborn->get(), false));
}

TEST_CASE("a hostile writer of a block and a ring makes its readers fail, not fall") {
    constexpr std::size_t kBlock = 2 * 4096;
    auto block_fd = make_shared_memfd("block", kBlock), ring_fd = make_shared_memfd("ring", event_ring_bytes());
    auto writer = StateBlock::map(block_fd->get(), true);
    auto ring_writer = EventRing::map(ring_fd->get(), true);
    REQUIRE(writer);
    REQUIRE(ring_writer);
    REQUIRE(writer->publish(bytes_of("content")));
    for (int i = 0; i < 8; ++i) ring_writer->append(Event{});
    auto* block =
        static_cast<std::byte*>(::mmap(nullptr, kBlock, PROT_READ | PROT_WRITE, MAP_SHARED, block_fd->get(), 0));
    auto* ring = static_cast<std::byte*>(
        ::mmap(nullptr, event_ring_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd->get(), 0));
    REQUIRE(block != MAP_FAILED);  // NOLINT
    REQUIRE(ring != MAP_FAILED);   // NOLINT
    const auto reader = StateBlock::map(read_only(block_fd->get())->get(), false);
    const auto ring_reader = EventRing::map(read_only(ring_fd->get())->get(), false);
    // The lengths change between a reader's check and its copy, over and over.
    std::atomic<bool> stop{false};
    std::thread hostile{[&] {
        constexpr std::uint64_t kVast = 0x00ffffffU, kSmall = 7;
        while (!stop)
            for (const std::uint64_t length : {kVast, kSmall}) {
                for (const std::size_t slot : {std::size_t{0}, kBlock / 2})
                    *reinterpret_cast<volatile std::uint64_t*>(block + slot + 16) = length;
                for (std::size_t slot = 64; slot < 64 + 9 * 1040; slot += 1040)
                    *reinterpret_cast<volatile std::uint32_t*>(ring + slot + 8) = static_cast<std::uint32_t>(length);
            }
    }};
    for (int i = 0; i < 20'000; ++i) {
        const auto content = reader->read();
        CHECK((!content || content->size() <= kBlock / 2));
        static_cast<void>(ring_reader->read_after(0));
    }
    stop = true;
    hostile.join();
    std::memset(block, 0xff, kBlock);
    std::memset(ring, 0xff, event_ring_bytes());
    CHECK_FALSE(reader->read());
    CHECK(ring_reader->read_after(0).events.empty());
    CHECK(ring_reader->read_after(0).lost == 0);
    // The next writer begins anew, and its readers find what it publishes.
    auto next = StateBlock::map(block_fd->get(), true);
    auto next_ring = EventRing::map(ring_fd->get(), true);
    REQUIRE(next->publish(bytes_of("anew")));
    CHECK(reader->read()->size() == 4);
    CHECK(next_ring->append(Event{}) == 1);
    CHECK(ring_reader->read_after(~std::uint64_t{0}).events.size() == 1);
    ::munmap(block, kBlock);
    ::munmap(ring, event_ring_bytes());
}

TEST_CASE("a state whose values cannot be is not gone on from") {
    report::VrrpStatus status;
    auto& instance = status.router.instances.emplace_back();
    auto& group = status.router.groups.emplace_back();
    instance.state = vrrp::State::Master;
    instance.master_interval = Micros{40'950'000};
    group.state = vrrp::State::Fault;
    CHECK(makes_sense(status));
    instance.state = static_cast<vrrp::State>(4);
    CHECK_FALSE(makes_sense(status));
    instance.state = vrrp::State::Backup;
    instance.master_interval = Micros{-1};
    CHECK_FALSE(makes_sense(status));
    instance.master_interval = Micros{255'000'001};
    CHECK_FALSE(makes_sense(status));
    instance.master_interval = Micros{0};
    group.state = static_cast<vrrp::State>(200);
    CHECK_FALSE(makes_sense(status));
}

TEST_CASE("the memory of a record is all of its bytes, and who reads sees what is written") {
    const auto memory = make_shared_memfd("record", 8192);
    REQUIRE(memory);
    const auto writer = MappedRecord::map(memory->get(), true), reader = MappedRecord::map(memory->get(), false);
    REQUIRE(writer);
    REQUIRE(reader);

    REQUIRE(writer->bytes().size() == 8192);
    writer->bytes().back() = std::byte{7};

    REQUIRE(reader->bytes().size() == 8192);
    CHECK(reader->bytes().back() == std::byte{7});
    CHECK_FALSE(MappedRecord::map(-1, false));
}
