#include "mainstay/ipc/shared.hpp"

#include "mainstay/config/members.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "bytes.hpp"

using namespace mainstay;
using namespace mainstay::ipc;
using namespace mainstay::ipc::test;

namespace {

constexpr std::size_t kSmallBlock = 8192;

}  // namespace

TEST_CASE("a state block gives back what was published last, also through another mapping") {
    auto fd = make_memfd("test", kSmallBlock);
    auto writer = StateBlock::map(fd->get(), true);
    auto reader = StateBlock::map(fd->get(), false);
    REQUIRE(writer);
    CHECK(reader->read().error().code() == Errc::NotFound);

    for (const char* text : {"one", "two, longer", "3"}) {
        REQUIRE(writer->publish(bytes_of(text)));
        CHECK(text_of(*reader->read()) == text);
    }
    CHECK(reader->sequence() == 3);
}

TEST_CASE("a writer that dies in the middle of a publish leaves the state before it") {
    auto fd = make_memfd("test", kSmallBlock);
    auto writer = StateBlock::map(fd->get(), true);
    REQUIRE(writer->publish(bytes_of("first")));
    REQUIRE(writer->publish(bytes_of("second")));
    // The third publish would go over "first", in slot 1 (sequence 1 went there); tear it: bytes changed, sequence 0.
    const std::uint64_t torn = 0;
    for (const off_t slot : {off_t{0}, static_cast<off_t>(kSmallBlock / 2)}) {
        std::uint64_t sequence = 0;
        REQUIRE(::pread(fd->get(), &sequence, 8, slot) == 8);
        if (sequence == 1) REQUIRE(::pwrite(fd->get(), &torn, 8, slot) == 8);
    }

    auto next = StateBlock::map(fd->get(), true);

    CHECK(text_of(*next->read()) == "second");
    REQUIRE(next->publish(bytes_of("third")));
    CHECK(text_of(*next->read()) == "third");
}

TEST_CASE("of a large state one copy takes memory, and a writer that dies while it makes the next leaves it") {
    constexpr std::size_t kBlock = 4U << 20, kState = 1U << 20;
    auto fd = make_memfd("test", kBlock);
    auto writer = StateBlock::map(fd->get(), true);
    const auto taken = [&] {
        struct stat info{};
        REQUIRE(::fstat(fd->get(), &info) == 0);
        return static_cast<std::size_t>(info.st_blocks) * 512;
    };
    for (const char letter : {'a', 'b', 'c'}) {
        REQUIRE(writer->publish(bytes_of(std::string(kState, letter))));
        CHECK(taken() < kState + (64U << 10));
        CHECK(text_of(*writer->read()) == std::string(kState, letter));
    }

    struct Died {};
    CHECK_THROWS_AS(static_cast<void>(writer->publish([](std::span<std::byte> room) -> std::size_t {
                        std::ranges::fill(room.first(kState / 2), std::byte{'d'});
                        throw Died{};
                    })),
                    Died);

    auto next = StateBlock::map(fd->get(), true);
    CHECK(text_of(*next->read()) == std::string(kState, 'c'));
    REQUIRE(next->publish(bytes_of("small")));
    CHECK(text_of(*next->read()) == "small");
}

TEST_CASE("a slot whose bytes do not match its checksum is not believed") {
    auto fd = make_memfd("test", kSmallBlock);
    auto block = StateBlock::map(fd->get(), true);
    REQUIRE(block->publish(bytes_of("good")));
    REQUIRE(block->publish(bytes_of("newer")));
    std::array<std::byte, kSmallBlock> all{};
    REQUIRE(::pread(fd->get(), all.data(), all.size(), 0) == static_cast<ssize_t>(all.size()));
    const std::string haystack{reinterpret_cast<const char*>(all.data()), all.size()};
    const auto at = haystack.find("newer");
    REQUIRE(at != std::string::npos);
    REQUIRE(::pwrite(fd->get(), "Xewer", 5, static_cast<off_t>(at)) == 5);

    CHECK(text_of(*block->read()) == "good");
}

TEST_CASE("content that does not fit a slot is refused and the old state stays") {
    auto fd = make_memfd("test", kSmallBlock);
    auto block = StateBlock::map(fd->get(), true);
    REQUIRE(block->publish(bytes_of("small")));

    CHECK(block->publish(std::vector<std::byte>(kSmallBlock)).error().code() == Errc::Limit);
    CHECK(text_of(*block->read()) == "small");
}

TEST_CASE("a new reader resumes behind the number it acknowledged") {
    auto fd = make_memfd("ring", event_ring_bytes());
    auto writer = EventRing::map(fd->get(), true);
    auto reader = EventRing::map(fd->get(), false);
    CHECK(writer->append(Event{.name = "VI_1", .transition = Transition::Backup}) == 1);
    CHECK(writer->append(Event{.name = "VI_1", .transition = Transition::Master, .priority = 150, .mail = true}) == 2);

    const auto batch = reader->read_after(1);

    REQUIRE(batch.events.size() == 1);
    CHECK(batch.events[0].transition == Transition::Master);
    CHECK(batch.events[0].priority == 150);
    CHECK(batch.events[0].number == 2);
    CHECK(batch.lost == 0);
    CHECK(batch.last == 2);
    CHECK(reader->read_after(2).events.empty());
}

TEST_CASE("numbers continue across incarnations, and overflow is counted") {
    auto fd = make_memfd("ring", event_ring_bytes());
    for (std::size_t i = 0; i < kEventRingSlots + 10; ++i) {
        auto writer = EventRing::map(fd->get(), true);
        REQUIRE(writer->append(Event{.name = "x"}) == i + 1);
    }
    auto reader = EventRing::map(fd->get(), false);

    const auto batch = reader->read_after(0, kEventRingSlots + 100);

    CHECK(batch.lost == 10);
    CHECK(batch.events.size() == kEventRingSlots);
    CHECK(batch.events.front().number == 11);
    CHECK(batch.last == kEventRingSlots + 10);
}

TEST_CASE("what has not been read is not overwritten: later events wait, numbered, and follow in their order") {
    auto fd = make_memfd("ring", event_ring_bytes());
    auto writer = EventRing::map(fd->get(), true);
    const auto reader = EventRing::map(fd->get(), false);
    for (std::size_t i = 1; i <= kEventRingSlots + 10; ++i) REQUIRE(writer->append(Event{.name = "x"}, 0) == i);
    CHECK_FALSE(writer->write_waiting(0));
    CHECK(reader->read_after(0, 10'000).last == kEventRingSlots);
    CHECK_FALSE(writer->write_waiting(9));
    const auto some = reader->read_after(0, 10'000);
    CHECK(some.last == kEventRingSlots + 9);
    CHECK(some.lost == 9);  // those that the mark said were read
    CHECK(writer->write_waiting(10));
    CHECK(reader->read_after(kEventRingSlots + 9).events.at(0).number == kEventRingSlots + 10);
}

TEST_CASE("a mark beyond the newest event is an earlier ring's, of which nothing here has been read") {
    auto fd = make_memfd("ring", event_ring_bytes());
    auto writer = EventRing::map(fd->get(), true);
    for (std::size_t i = 0; i < kEventRingSlots + 1; ++i) writer->append(Event{}, 1'000'000);
    CHECK(EventRing::map(fd->get(), false)->read_after(0, 10'000).last == kEventRingSlots);
    writer->write_all_waiting();
    CHECK(EventRing::map(fd->get(), false)->read_after(0, 10'000).last == kEventRingSlots + 1);
}

TEST_CASE("of more than may wait the oldest overwrite what has not been read, and are counted") {
    auto fd = make_memfd("ring", event_ring_bytes());
    auto writer = EventRing::map(fd->get(), true);
    for (std::size_t i = 0; i < kEventRingSlots + kEventsWaitingMax + 3; ++i) writer->append(Event{}, 0);
    CHECK(EventRing::map(fd->get(), false)->read_after(0).lost == 3);
}

TEST_CASE("an event that is too long is cut, not lost") {
    auto fd = make_memfd("ring", event_ring_bytes());
    auto ring = EventRing::map(fd->get(), true);

    ring->append(Event{.name = "VI_1", .transition = Transition::Fault, .detail = std::string(5000, 'd')});

    const auto batch = ring->read_after(0);
    REQUIRE(batch.events.size() == 1);
    CHECK(batch.events[0].name == "VI_1");
    CHECK(batch.events[0].detail.size() > 500);
}

TEST_CASE("the source of a server that was found is in its event") {
    auto fd = make_memfd("ring", event_ring_bytes());
    auto ring = EventRing::map(fd->get(), true);
    ring->append(Event{.kind = Event::Kind::RealServer, .source = std::string{"real_server_file /srv/web.json 80"}});
    CHECK(ring->read_after(0).events.at(0).source == std::string{"real_server_file /srv/web.json 80"});
}

TEST_CASE("a sealed memfd cannot be changed any more") {
    auto fd = make_sealed_memfd("snapshot", bytes_of("content"));
    REQUIRE(fd);

    CHECK(::pwrite(fd->get(), "x", 1, 0) == -1);
    CHECK(text_of(*read_memfd(fd->get())) == "content");
}

TEST_CASE("what is encoded piece by piece into a sealed memfd is what is encoded at once") {
    config::Config config;
    config.global.router_id = std::string(200'000, 'r');  // longer than a piece
    for (int i = 0; i < 3000; ++i) {
        auto& service = config.virtual_servers.emplace_back();
        service.endpoint.port = static_cast<std::uint16_t>(i);
        service.scheduler = "rr";
        service.real_servers.resize(static_cast<std::size_t>(i % 7));
    }
    config.scripts.resize(1);  // after the long text, with a length of its own

    const auto sealed = encode_sealed("test", config);

    REQUIRE(sealed);
    CHECK(*read_memfd(sealed->get()) == encode(config));
    CHECK(decode<config::Config>(*read_memfd(sealed->get()))->virtual_servers[2999].endpoint.port == 2999);
    const std::byte more{};
    CHECK(::pwrite(sealed->get(), &more, 1, 0) == -1);
}
