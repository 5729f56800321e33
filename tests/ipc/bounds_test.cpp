// Both sides of each bound, and what happens when the system refuses.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>
#include <string>

#include "bytes.hpp"
#include "ipc/memfd.hpp"
#include "mainstay/base/hash.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/shared.hpp"

using namespace mainstay;
using namespace mainstay::ipc;
using namespace mainstay::ipc::test;

namespace {

// A resource of this process is short while this lives.
class Short {
public:
    Short(__rlimit_resource what, rlim_t limit) : what_{what} {
        REQUIRE(::getrlimit(what, &before_) == 0);
        rlimit less = before_;
        less.rlim_cur = limit;
        REQUIRE(::setrlimit(what, &less) == 0);
    }
    ~Short() { ::setrlimit(what_, &before_); }

private:
    __rlimit_resource what_;
    rlimit before_{};
};

ino_t inode_of(int fd) {
    struct stat info{};
    return ::fstat(fd, &info) == 0 ? info.st_ino : 0;
}

// Flips the last byte of the content that was published last.
void damage(int fd, std::size_t slot_bytes, std::uint64_t sequence, std::size_t content) {
    for (std::size_t slot = 0; slot < 2; ++slot) {
        std::uint64_t found = 0;
        REQUIRE(::pread(fd, &found, 8, static_cast<off_t>(slot * slot_bytes)) == 8);
        const auto at = static_cast<off_t>(slot * slot_bytes + 32 + content - 1);
        if (found == sequence) REQUIRE(::pwrite(fd, "~", 1, at) == 1);
    }
}

void send_raw(int fd, std::vector<int> descriptors) {
    auto bytes = encode_message(Stop{});
    iovec part{bytes.data(), bytes.size()};
    std::vector<char> control(CMSG_SPACE(sizeof(int) * descriptors.size()));
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    std::memcpy(CMSG_DATA(c), descriptors.data(), sizeof(int) * descriptors.size());
    REQUIRE(::sendmsg(fd, &header, 0) == static_cast<ssize_t>(bytes.size()));
}

}  // namespace

TEST_CASE("the longest message passes, one byte more is refused") {
    auto channel = make_channel();
    const auto of = [](std::size_t bytes) { return FifoLine{std::string(bytes - 9, 'x')}; };
    REQUIRE(encode_message(of(65536)).size() == 65536);

    CHECK(send_message(channel->first.get(), of(65536)));
    CHECK(send_message(channel->first.get(), of(65537)).error().code() == Errc::Limit);

    auto got = receive_message(channel->second.get());
    REQUIRE(got);
    CHECK(std::get<FifoLine>(std::get<Received>(**got).message).line.size() == 65527);
    CHECK_FALSE(receive_message(channel->second.get())->has_value());
}

TEST_CASE("a descriptor arrives as the file that was sent, and more than one are closed") {
    auto channel = make_channel();
    auto one = make_memfd("one", 1), two = make_memfd("two", 1), three = make_memfd("three", 1);
    const int next_free = ::dup(0);
    ::close(next_free);
    send_raw(channel->first.get(), {one->get(), two->get(), three->get()});

    auto got = receive_message(channel->second.get());

    REQUIRE(got);
    const auto& received = std::get<Received>(**got);
    CHECK(received.descriptor.get() == next_free);
    CHECK(inode_of(received.descriptor.get()) == inode_of(one->get()));
    const UniqueFd next{::dup(0)};
    CHECK(next.get() == next_free + 1);
}

TEST_CASE("the file that is sent beside a message is the one that arrives") {
    auto channel = make_channel();
    auto file = make_memfd("one", 1);
    REQUIRE(send_message(channel->first.get(), Stop{}, file->get()));

    auto got = receive_message(channel->second.get());

    REQUIRE(got);
    CHECK(inode_of(std::get<Received>(**got).descriptor.get()) == inode_of(file->get()));
}

TEST_CASE("more bytes than a file has are an error, not a wait") {
    auto file = make_memfd("one", 4);
    std::array<std::byte, 5> room{};
    CHECK(read_at(file->get(), 0, std::span{room}.first(4)));
    CHECK(read_at(file->get(), 0, room).error().sys_errno() == EIO);
    CHECK(read_at(file->get(), 4, std::span{room}.first(1)).error().sys_errno() == EIO);
    CHECK(read_at(file->get(), 4, {}));
}

TEST_CASE("the smallest state block has 192 bytes, the smallest ring two slots") {
    CHECK(StateBlock::map(make_memfd("b", 191)->get(), true).error().code() == Errc::Invalid);
    CHECK(StateBlock::map(make_memfd("b", 192)->get(), true));
    CHECK(EventRing::map(make_memfd("r", 64 + 2 * 1040 - 1)->get(), true).error().code() == Errc::Invalid);
    CHECK(EventRing::map(make_memfd("r", 64 + 2 * 1040)->get(), true));
}

TEST_CASE("the kernel's credentials of the sender are not treated as a descriptor") {
    auto channel = make_channel();
    const int on = 1;
    REQUIRE(::setsockopt(channel->second.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
    REQUIRE(send_message(channel->first.get(), Stop{}));

    auto got = receive_message(channel->second.get());

    CHECK_FALSE(std::get<Received>(**got).descriptor);
}

TEST_CASE("a peer that left without reading is Closed, and cannot be sent to") {
    auto channel = make_channel();
    REQUIRE(send_message(channel->first.get(), Stop{}));
    channel->second.reset();

    auto got = receive_message(channel->first.get());

    REQUIRE(got);
    CHECK(std::holds_alternative<Closed>(**got));
    const auto sent = send_message(channel->first.get(), Stop{});
    REQUIRE_FALSE(sent.has_value());
    CHECK(sent.error().sys_errno() == EPIPE);
    CHECK(receive_message(-1).error().sys_errno() == EBADF);
}

TEST_CASE("without descriptors making a channel, memory or a mapping is an error") {
    auto fd = make_memfd("small", 8);
    CHECK(StateBlock::map(fd->get(), true).error().code() == Errc::Invalid);
    CHECK(EventRing::map(fd->get(), true).error().code() == Errc::Invalid);
    CHECK(StateBlock::map(-1, true).error().sys_errno() == EBADF);
    CHECK(EventRing::map(-1, true).error().sys_errno() == EBADF);
    CHECK(read_memfd(-1).error().sys_errno() == EBADF);
    CHECK(make_sealed_memfd(std::string(300, 'n'), {}).error().sys_errno() == EINVAL);
    const Short descriptors{RLIMIT_NOFILE, 0};
    CHECK(make_channel().error().sys_errno() == EMFILE);
    CHECK(make_memfd("test", 1).error().sys_errno() == EMFILE);
}

TEST_CASE("content that does not fit a file is an error when it is sealed") {
    std::signal(SIGXFSZ, SIG_IGN);
    const Short files{RLIMIT_FSIZE, 4096};
    const auto content = bytes_of(std::string(8192, 'x'));

    CHECK(make_sealed_memfd("test", content).error().sys_errno() == EFBIG);
    CHECK(make_memfd("test", 8192).error().text() ==
          "the limit of the size of files is below the 8192 bytes of mainstay-test: raise LimitFSIZE= in the unit, or "
          "ulimit -f");
}

TEST_CASE("an interruption that was long before is none of this write") {
    errno = EINTR;
    auto fd = make_sealed_memfd("test", bytes_of("content"));
    REQUIRE(fd);
    CHECK(read_memfd(fd->get())->size() == 7);
    errno = EINTR;
    SealedMemfd memfd{"test"};
    memfd.append(bytes_of("abcdef"));
    errno = EINTR;
    memfd.overwrite(2, bytes_of("XY"));
    const auto sealed = memfd.seal();
    REQUIRE(sealed);
    errno = EINTR;
    CHECK(*read_memfd(sealed->get()) == bytes_of("abXYef"));
}

TEST_CASE("a state that fills its slot to the last byte is kept, one byte more is refused") {
    auto fd = make_memfd("test", 8192);
    auto block = StateBlock::map(fd->get(), true);

    CHECK(block->publish(std::vector<std::byte>(4064, std::byte{5})));
    CHECK(block->read()->size() == 4064);
    CHECK(block->publish(std::vector<std::byte>(4065)).error().code() == Errc::Limit);
    CHECK(block->read()->size() == 4064);
}

TEST_CASE("the state before a large one is gone, the state before a small one is kept") {
    constexpr std::size_t kBlock = 1U << 20, kKept = 64U << 10;
    for (const std::size_t size : {kKept, kKept + 1}) {
        CAPTURE(size);
        auto fd = make_memfd("test", kBlock);
        auto block = StateBlock::map(fd->get(), true);
        REQUIRE(block->publish(bytes_of("before")));
        REQUIRE(block->publish(std::vector<std::byte>(size, std::byte{5})));
        damage(fd->get(), kBlock / 2, 2, size);

        const auto found = block->read();

        if (size == kKept)
            CHECK(*found == bytes_of("before"));
        else
            CHECK(found.error().code() == Errc::State);
    }
}

TEST_CASE("the longest event is whole, the detail of a longer one is cut to what fits") {
    auto fd = make_memfd("ring", event_ring_bytes());
    auto ring = EventRing::map(fd->get(), true);
    for (const std::size_t size : {954, 955, 956, 5000})
        ring->append(Event{.name = "VI_1", .detail = std::string(size, 'd')});
    ring->append(Event{.name = std::string(2000, 'n'), .parent = std::string(2000, 'p'), .detail = "d"});

    const auto batch = ring->read_after(0);

    REQUIRE(batch.events.size() == 5);
    CHECK(batch.lost == 0);
    CHECK(batch.events[0].detail.size() == 954);
    for (const int at : {1, 2, 3}) CHECK(batch.events[static_cast<std::size_t>(at)].detail.size() == 955);
    CHECK(batch.events[4].name == std::string(256, 'n'));
    CHECK(batch.events[4].parent == std::string(256, 'p'));
    ring->append(Event{.name = "VI_1", .source = std::string(2000, 's')});
    CHECK(*ring->read_after(5).events.at(0).source == std::string(256, 's'));
}

TEST_CASE("a reader that acknowledged more than was written starts at the beginning of the ring") {
    auto fd = make_memfd("ring", event_ring_bytes());
    auto ring = EventRing::map(fd->get(), true);
    for (const auto transition : {Transition::Backup, Transition::Master, Transition::Fault})
        ring->append(Event{.transition = transition});

    const auto batch = ring->read_after(50);
    CHECK(batch.events.size() == 3);
    CHECK(batch.lost == 0);
    CHECK(batch.last == 3);
    CHECK(ring->read_after(3).last == 3);
    const auto two = ring->read_after(0, 2);
    CHECK(two.events.size() == 2);
    CHECK(two.last == 2);
    CHECK(ring->read_after(two.last, 2).events.at(0).transition == Transition::Fault);
}

TEST_CASE("events are lost one by one as the ring goes round") {
    auto fd = make_memfd("ring", event_ring_bytes());
    auto ring = EventRing::map(fd->get(), true);
    for (std::size_t i = 0; i < kEventRingSlots; ++i) ring->append(Event{});
    CHECK(ring->read_after(0, 1).lost == 0);
    ring->append(Event{});
    CHECK(ring->read_after(0, 1).lost == 1);
    CHECK(ring->read_after(0, 1).events.at(0).number == 2);
    CHECK(ring->read_after(1, 1).lost == 0);
}

TEST_CASE("an event whose length cannot be is counted as lost") {
    auto fd = make_memfd("ring", event_ring_bytes());
    auto ring = EventRing::map(fd->get(), true);
    for (const char* name : {"one", "two"}) ring->append(Event{.name = name});
    const std::uint32_t length = 100'000;
    REQUIRE(::pwrite(fd->get(), &length, sizeof length, 64 + 1040 + 8) == sizeof length);

    const auto batch = ring->read_after(0);

    CHECK(batch.lost == 1);
    REQUIRE(batch.events.size() == 1);
    CHECK(batch.events[0].name == "two");
}

TEST_CASE("each transition passes through a ring, and lies in it as a word that other versions know") {
    auto fd = make_memfd("ring", event_ring_bytes());
    auto ring = EventRing::map(fd->get(), true);
    for (const auto& [transition, word] : kTransitionWords) ring->append(Event{.transition = transition});

    const auto batch = ring->read_after(0);
    REQUIRE(batch.events.size() == kTransitionWords.size());
    std::string words;
    for (const Event& event : batch.events) words += std::string{to_string(event.transition)} + " ";
    CHECK(words == "MASTER BACKUP FAULT STOP DELETED MASTER_PRIORITY BACKUP_PRIORITY MASTER_RX_LOWER_PRI UP DOWN ");

    std::array<char, 40> slot{};  // header 64, slot: number 8, length 4, then the struct
    REQUIRE(::pread(fd->get(), slot.data(), slot.size(), 64 + 1040 + 12) == slot.size());
    const auto at = std::string_view{slot.data(), slot.size()}.find("MASTER");
    REQUIRE(at != std::string_view::npos);
    REQUIRE(::pwrite(fd->get(), "FUTURE", 6, static_cast<off_t>(64 + 1040 + 12 + at)) == 6);
    CHECK(ring->read_after(0).lost == 1);
    CHECK(ring->read_after(0).events.front().transition == Transition::Backup);
}

TEST_CASE("descriptor 0 is one like any other, and bytes that are no message are an error") {
    auto channel = make_channel();
    REQUIRE(send_message(channel->first.get(), Stop{}, 0));
    auto got = receive_message(channel->second.get());
    REQUIRE(got);
    CHECK(inode_of(std::get<Received>(**got).descriptor.get()) == inode_of(0));

    REQUIRE(::send(channel->first.get(), "\xff", 1, 0) == 1);
    const auto garbage = receive_message(channel->second.get());
    REQUIRE_FALSE(garbage.has_value());
    CHECK(garbage.error().code() == Errc::Unsupported);
}

TEST_CASE("memory that cannot be read or written is an error, and a single byte can be") {
    std::array<std::byte, 4> room{};
    CHECK(read_at(-1, 0, room).error().sys_errno() == EBADF);
    SealedMemfd single{"test"};
    single.append(bytes_of("abc"));
    single.overwrite(1, bytes_of("X"));
    CHECK(*read_memfd(single.seal()->get()) == bytes_of("aXc"));
    std::signal(SIGXFSZ, SIG_IGN);
    const Short files{RLIMIT_FSIZE, 4096};
    SealedMemfd memfd{"test"};
    memfd.append(bytes_of("abc"));
    memfd.overwrite(8192, bytes_of("XY"));
    CHECK(memfd.seal().error().sys_errno() == EFBIG);
}

TEST_CASE("nothing is written over where no memory could be had") {
    SealedMemfd none{std::string(300, 'n')};
    none.append(bytes_of("abc"));
    none.overwrite(0, bytes_of("abc"));
    CHECK(none.seal().error().sys_errno() == EINVAL);
}

TEST_CASE("a slot that no honest writer leaves is void to the next one, a full one is not") {
    constexpr std::size_t kSlot = 2048, kCapacity = kSlot - 32;
    struct Head {
        std::uint64_t sequence, magic, length, checksum;
    };
    auto fd = make_memfd("state", 2 * kSlot);
    REQUIRE(StateBlock::map(fd->get(), true)->publish(std::vector<std::byte>(kCapacity, std::byte{1})));
    CHECK(StateBlock::map(fd->get(), true)->sequence() == 1);
    CHECK(StateBlock::map(fd->get(), false)->read()->size() == kCapacity);

    Head sound{};
    std::size_t published = 0;
    for (std::size_t slot : {std::size_t{0}, std::size_t{1}}) {
        REQUIRE(::pread(fd->get(), &sound, sizeof sound, static_cast<off_t>(slot * kSlot)) == sizeof sound);
        if (sound.sequence == 1) {
            published = slot;
            break;
        }
    }
    const auto other = static_cast<off_t>((1 - published) * kSlot);
    for (const Head& forged : {Head{7, sound.magic + 1, 1, 0}, Head{7, sound.magic, kCapacity + 1, 0},
                               Head{(std::uint64_t{1} << 62) + 1, sound.magic, 1, 0}}) {
        REQUIRE(::pwrite(fd->get(), &forged, sizeof forged, other) == sizeof forged);
        CHECK(StateBlock::map(fd->get(), true)->sequence() == 1);
    }
    // A reader cannot void it: it goes by the other one.
    const std::byte content{};
    const Head stranger{7, sound.magic + 1, 1, fnv1a(std::span{&content, 1})};
    REQUIRE(::pwrite(fd->get(), &stranger, sizeof stranger, other) == sizeof stranger);
    REQUIRE(::pwrite(fd->get(), &content, 1, other + static_cast<off_t>(sizeof stranger)) == 1);
    CHECK(StateBlock::map(fd->get(), false)->read()->size() == kCapacity);
}

TEST_CASE("what 0.1 published is read, after an upgrade") {
    constexpr std::size_t kSlot = 2048;
    const auto content = bytes_of("its state, and a word that no eight bytes fill");
    const std::array<std::uint64_t, 4> head{5, 0x4d53544154453031ULL, content.size(), fnv1a(content)};
    auto fd = make_memfd("state", 2 * kSlot);
    REQUIRE(::pwrite(fd->get(), head.data(), sizeof head, kSlot) == sizeof head);
    REQUIRE(::pwrite(fd->get(), content.data(), content.size(), kSlot + sizeof head) ==
            static_cast<ssize_t>(content.size()));
    auto block = StateBlock::map(fd->get(), true);
    CHECK(*block->read() == std::vector(content.begin(), content.end()));
    REQUIRE(block->publish(bytes_of("new")));
    CHECK(block->sequence() == 6);
    const auto damaged = static_cast<char>('x');
    REQUIRE(::pwrite(fd->get(), &damaged, 1, kSlot + sizeof head) == 1);
    CHECK(block->read()->size() == 3);
}

TEST_CASE("one changed byte anywhere in a state is seen") {
    constexpr std::size_t kSlot = 2048;
    for (const std::size_t size : {1, 31, 32, 33, 100}) {
        auto fd = make_memfd("state", 2 * kSlot);
        auto block = StateBlock::map(fd->get(), true);
        REQUIRE(block->publish(std::vector<std::byte>(size)));
        for (std::size_t at = 0; at < size; ++at) {
            const auto offset = static_cast<off_t>(kSlot + 32 + at);
            REQUIRE(::pwrite(fd->get(), "x", 1, offset) == 1);
            CHECK_FALSE(block->read());
            REQUIRE(::pwrite(fd->get(), "", 1, offset) == 1);
        }
        CHECK(block->read()->size() == size);
    }
}

TEST_CASE("a writer takes over half of the greatest number of a ring, so that its own events can be read") {
    constexpr std::uint64_t kGreatest = std::uint64_t{1} << 62;
    auto fd = make_memfd("ring", event_ring_bytes());
    REQUIRE(EventRing::map(fd->get(), true)->append(Event{}) == 1);
    for (const auto& [newest, next] :
         {std::pair{kGreatest / 2, kGreatest / 2 + 1}, std::pair{kGreatest / 2 + 1, std::uint64_t{1}},
          std::pair{kGreatest, std::uint64_t{1}}, std::pair{kGreatest + 1, std::uint64_t{1}}}) {
        REQUIRE(::pwrite(fd->get(), &newest, sizeof newest, 0) == sizeof newest);
        auto ring = EventRing::map(fd->get(), true);
        CHECK(ring->append(Event{}) == next);
        CHECK(ring->read_after(next - 1).events.size() == 1);
    }
    const auto ring = EventRing::map(fd->get(), true);
    REQUIRE(::pwrite(fd->get(), &kGreatest, sizeof kGreatest, 0) == sizeof kGreatest);
    CHECK(ring->read_after(kGreatest - 1).last == kGreatest);
    const std::uint64_t forged = kGreatest + 1;
    REQUIRE(::pwrite(fd->get(), &forged, sizeof forged, 0) == sizeof forged);
    CHECK(ring->read_after(kGreatest).last == kGreatest);
    CHECK(ring->read_after(kGreatest).lost == 0);
}

TEST_CASE("shared memory is as large as its bound at most") {
    CHECK(seal_size(make_memfd("shared", kSharedBytesMax)->get()));
    CHECK(seal_size(make_memfd("shared", kSharedBytesMax + 1)->get()).error().code() == Errc::Limit);
}
