#include "mainstay/netlink/proc_events.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstring>

using namespace mainstay;
using namespace mainstay::netlink;
using Kind = ProcessEvent::Kind;

namespace {

// One message as the kernel sends it: netlink header, connector header, event.
std::vector<std::byte> event(std::uint32_t what, std::array<std::uint32_t, 6> data, std::uint32_t idx = 1) {
    const std::uint32_t event_bytes = 16 + sizeof data, length = 16 + 20 + event_bytes;
    const std::array<std::uint32_t, 13> head{length, 3,    0, 0,  // nlmsghdr: length, type and flags, sequence, port
                                             idx,    1,    9, 0, event_bytes,  // cn_msg: id, sequence, ack, length
                                             what,   0x55, 7, 7};              // cpu, time stamp
    std::vector<std::byte> bytes(length);
    std::memcpy(bytes.data(), head.data(), sizeof head);
    std::memcpy(bytes.data() + sizeof head, data.data(), sizeof data);
    return bytes;
}

}  // namespace

TEST_CASE("events of the process connector") {
    struct Row {
        std::uint32_t what;
        std::array<std::uint32_t, 6> data;
        std::vector<ProcessEvent> events;
    };
    const Row rows[] = {
        {0, {0}, {{.kind = Kind::Listening}}},
        {0, {1}, {{.kind = Kind::Listening, .error = 1}}},
        {1, {11, 10, 20, 20}, {{.kind = Kind::Fork, .pid = 10, .child = 20}}},
        {1, {10, 10, 21, 20}, {}},  // a thread
        {2, {20, 20}, {{.kind = Kind::Exec, .pid = 20}}},
        {0x200, {20, 20}, {{.kind = Kind::Renamed, .pid = 20}}},
        {0x200, {21, 20}, {}},
        {0x80000000, {20, 20, 0, 17}, {{.kind = Kind::Exit, .pid = 20}}},
        {0x80000000, {21, 20, 0, 17}, {}},
        {4, {20, 20}, {}},
    };
    for (const Row& row : rows) CHECK(decode_process_events(event(row.what, row.data)) == row.events);
    CHECK(decode_process_events(event(2, {20, 20}, 9)) == std::vector<ProcessEvent>{});
}

TEST_CASE("a datagram with several events, and every way to cut it") {
    auto bytes = event(1, {1, 1, 2, 2});
    const auto second = event(0x80000000, {2, 2});
    bytes.insert(bytes.end(), second.begin(), second.end());
    CHECK(decode_process_events(bytes) ==
          std::vector<ProcessEvent>{{.kind = Kind::Fork, .pid = 1, .child = 2}, {.kind = Kind::Exit, .pid = 2}});
    const auto one = event(2, {5, 5});
    for (std::size_t size = 1; size < one.size(); ++size) {
        const std::vector<std::byte> cut(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_FALSE(decode_process_events(cut).has_value());
    }
    auto lies = one;
    lies[32] = std::byte{200};  // the connector's own length
    CHECK_FALSE(decode_process_events(lies).has_value());
}

TEST_CASE("the request to listen") {
    const auto on = encode_process_listen(true, 0x01020304);
    REQUIRE(on.size() == 40);
    const std::array<std::uint32_t, 10> words = [&] {
        std::array<std::uint32_t, 10> all{};
        std::memcpy(all.data(), on.data(), on.size());
        return all;
    }();
    CHECK(words == std::array<std::uint32_t, 10>{40, 3, 0, 0x01020304, 1, 1, 0, 0, 4, 1});
    CHECK(encode_process_listen(false, 0)[36] == std::byte{2});
}
