#include "mainstay/kernel/bfd_sockets.hpp"
#include "../needs.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "../addr.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "own_network.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::addr;

namespace {

constexpr std::array kHi{std::byte{'h'}, std::byte{'i'}};

// All that comes within a second, once something has come.
std::vector<ReceivedDatagram> heard(BfdReceiver& receiver) {
    pollfd wait{.fd = receiver.fd(), .events = POLLIN, .revents = 0};
    (void)poll(&wait, 1, 1000);
    std::vector<ReceivedDatagram> datagrams;
    while (receiver.receive(datagrams).value()) {
    }
    return datagrams;
}

}  // namespace

TEST_CASE("a datagram arrives with its source, its destination and its TTL") {
    struct Row {
        const char* source;
        const char* destination;
        const char* seen_source;
        std::uint8_t ttl;
    };
    const Row rows[] = {
        {"127.0.0.5", "127.0.0.9", "127.0.0.5", 255},
        {"", "127.0.0.9", "127.0.0.1", 64},
        {"::1", "::1", "::1", 255},
        {"", "::1", "::1", 1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.destination);
        const IpAddress destination = addr(row.destination);
        auto receiver = BfdReceiver::open(destination.family(), 0);
        if (!receiver && receiver.error().sys_errno() == EAFNOSUPPORT) continue;  // a host without IPv6
        REQUIRE(receiver.has_value());
        auto sender = BfdSender::open(destination.family(), *row.source ? addr(row.source) : IpAddress{}, 0);
        if (!sender && sender.error().sys_errno() == EADDRNOTAVAIL) continue;
        REQUIRE(sender.has_value());

        for (int i = 0; i < 2; ++i) REQUIRE(sender->send(destination, receiver->port(), row.ttl, kHi).has_value());

        const auto datagrams = heard(*receiver);
        REQUIRE(datagrams.size() == 2);
        for (const auto& datagram : datagrams) {
            CHECK(datagram.source == addr(row.seen_source));
            CHECK(datagram.destination == destination);
            CHECK(datagram.ttl == row.ttl);
            CHECK(datagram.payload == std::vector<std::byte>{kHi.begin(), kHi.end()});
        }
    }
}

TEST_CASE("the TTL may change from packet to packet") {
    auto receiver = BfdReceiver::open(Family::V4, 0).value();
    auto sender = BfdSender::open(Family::V4, {}, 0).value();
    for (const std::uint8_t ttl : std::array<std::uint8_t, 3>{255, 7, 255})
        REQUIRE(sender.send(addr("127.0.0.1"), receiver.port(), ttl, kHi).has_value());
    const auto datagrams = heard(receiver);
    REQUIRE(datagrams.size() == 3);
    CHECK(datagrams[0].ttl == 255);
    CHECK(datagrams[1].ttl == 7);
    CHECK(datagrams[2].ttl == 255);
}

TEST_CASE("a datagram longer than any BFD packet comes cut off, an empty one empty") {
    auto receiver = BfdReceiver::open(Family::V4, 0).value();
    auto sender = BfdSender::open(Family::V4, {}, 0).value();
    REQUIRE(sender.send(addr("127.0.0.1"), receiver.port(), 255, std::vector<std::byte>(1000)).has_value());
    REQUIRE(sender.send(addr("127.0.0.1"), receiver.port(), 255, {}).has_value());
    const auto datagrams = heard(receiver);
    REQUIRE(datagrams.size() == 2);
    CHECK(datagrams[0].payload.size() == 256);
    CHECK(datagrams[1].payload.empty());
}

TEST_CASE("a port in use is reported by its error") {
    const auto first = BfdReceiver::open(Family::V4, 0).value();
    const auto second = BfdReceiver::open(Family::V4, first.port());
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().sys_errno() == EADDRINUSE);
    CHECK(second.error().text().starts_with("receive BFD over IPv4: bind any address port "));
    CHECK(BfdSender::open(Family::V4, {}, first.port()).error().sys_errno() == EADDRINUSE);
}

TEST_CASE("what is sent goes ahead of other traffic, on this host and beyond") {
    const auto sender = BfdSender::open(Family::V4, {}, 0).value();
    int priority = 0, tos = 0;
    socklen_t size = sizeof(int);
    REQUIRE(getsockopt(sender.fd(), SOL_SOCKET, SO_PRIORITY, &priority, &size) == 0);
    REQUIRE(getsockopt(sender.fd(), IPPROTO_IP, IP_TOS, &tos, &size) == 0);
    CHECK(priority == 6);
    CHECK(tos == 0xc0);
}

TEST_CASE("an address of the other family is refused") {
    auto sender = BfdSender::open(Family::V4, {}, 0).value();
    CHECK(sender.send(addr("::1"), 3784, 255, kHi).error().code() == Errc::Invalid);
}

TEST_CASE("link-local addresses are reported with their interface, where it is up, and a sender may leave from one" *
          mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        test::join_two_interfaces();
        REQUIRE(test::ip("addr add fe80::aa/64 dev eth0 nodad"));
        REQUIRE(test::ip("addr add fe80::bb/64 dev eth1 nodad"));
        REQUIRE(test::ip("addr add 10.0.0.1/24 dev eth0"));
        REQUIRE(test::ip("addr add fd00::1/64 dev eth0 nodad"));
        const auto index = kernel::interface_index("eth0"), other = kernel::interface_index("eth1");
        const auto has = [](const char* text, std::uint32_t interface) {
            const auto all = link_local_addresses();
            return std::ranges::count(all, std::pair{addr(text), interface}) == 1;
        };
        CHECK(has("fe80::aa", index));
        CHECK(has("fe80::bb", other));
        CHECK_FALSE(has("fe80::aa", other));
        for (const auto& [address, interface] : link_local_addresses()) CHECK(address.is_link_local_v6());
        auto receiver = BfdReceiver::open(Family::V6, 0).value();
        auto sender = BfdSender::open(Family::V6, addr("fe80::aa"), 0, index).value();
        CHECK(BfdSender::open(Family::V6, addr("fe80::aa"), 0, other).error().sys_errno() == EADDRNOTAVAIL);
        std::vector<ReceivedDatagram> datagrams;
        for (int tries = 0; tries < 20 && datagrams.empty(); ++tries) {
            REQUIRE(sender.send(addr("fe80::bb"), receiver.port(), 255, kHi).has_value());
            datagrams = heard(receiver);
        }
        REQUIRE_FALSE(datagrams.empty());
        CHECK(datagrams[0].source == addr("fe80::aa"));
        CHECK(datagrams[0].destination == addr("fe80::bb"));
        CHECK(datagrams[0].interface == other);
        REQUIRE(test::ip("addr add fe80::cc/64 dev eth1 nodad"));
        REQUIRE(test::ip("link set eth1 down"));
        CHECK_FALSE(has("fe80::cc", other));
    });
}
