// Adverts and frames over a cable between two interfaces of a network namespace of the test's own.
#include "mainstay/kernel/vrrp_sockets.hpp"
#include "../needs.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <string>

#include "../addr.hpp"
#include "mainstay/kernel/arp_probe.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/wire/arp.hpp"
#include "own_network.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::addr;
using mainstay::test::in_own_network;
using mainstay::test::ip;
using mainstay::test::join_two_interfaces;

namespace {

constexpr std::array kHello{std::byte{'h'}, std::byte{'e'}, std::byte{'l'}, std::byte{'o'}};

const IpAddress kGroup = addr("224.0.0.18"), kGroup6 = addr("ff02::12");

// The packets that come until there are as many, or for a time that is long enough for any.
std::vector<ReceivedPacket> heard(VrrpReceiver& receiver, std::size_t expected, int limit_ms = 3000) {
    std::vector<ReceivedPacket> packets;
    std::vector<std::byte> room;
    while (packets.size() < expected) {
        pollfd look{receiver.fd(), POLLIN, 0};
        if (::poll(&look, 1, limit_ms) != 1) break;
        (void)receiver.receive(packets, room).value();
    }
    return packets;
}

void with_addresses() {
    join_two_interfaces();
    REQUIRE(ip("addr add 10.0.0.1/24 dev eth0"));
    REQUIRE(ip("addr add 10.0.0.2/24 dev eth1"));
    REQUIRE(ip("addr add fe80::1/64 dev eth0 nodad"));
    REQUIRE(ip("addr add fe80::2/64 dev eth1 nodad"));
}
// Both ends lie on one host, which takes packets from its own addresses for forged unless it is told not to.
void accept_local() {
    for (const char* name : {"all", "eth0", "eth1"}) {
        const std::string folder = std::string{"/proc/sys/net/ipv4/conf/"} + name;
        REQUIRE(std::system(("echo 1 >" + folder + "/accept_local; echo 0 >" + folder + "/rp_filter").c_str()) == 0);
    }
}

}  // namespace

TEST_CASE("an advert over IPv4 arrives with its addresses, TTL, protocol and payload" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        with_addresses();
        accept_local();
        auto receiver = VrrpReceiver::open(Family::V4, "eth1", interface_index("eth1"), kGroup).value();
        auto sender = VrrpSender::open(Family::V4, "eth0", interface_index("eth0")).value();
        std::vector<ReceivedPacket> packets;
        std::vector<std::byte> room;
        CHECK_FALSE(receiver.receive(packets, room).value());
        REQUIRE(sender.send(addr("10.0.0.1"), kGroup, 255, kHello).has_value());
        REQUIRE(sender.send(addr("10.0.0.1"), kGroup, std::nullopt, {}).has_value());
        REQUIRE(sender.send(addr("10.0.0.1"), kGroup, 7, kHello).has_value());
        packets = heard(receiver, 3);
        REQUIRE(packets.size() == 3);
        CHECK(packets[0].source == addr("10.0.0.1"));
        CHECK(packets[0].destination == kGroup);
        CHECK(packets[0].ttl == 255);
        CHECK(packets[0].protocol == 112);
        CHECK(packets[0].payload == std::vector<std::byte>{kHello.begin(), kHello.end()});
        CHECK(packets[0].ip_header.empty());
        CHECK(packets[0].waited > Nanos{0});
        CHECK(packets[0].waited < Nanos{60'000'000'000});
        CHECK(packets[1].payload.empty());
        CHECK(packets[1].ttl == 255);
        CHECK(packets[2].ttl == 7);
        CHECK_FALSE(receiver.receive(packets, room).value());
    });
}

TEST_CASE("of an authenticated advert the IP header is kept, with the id that was asked for" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        with_addresses();
        accept_local();
        auto receiver =
            VrrpReceiver::open(Family::V4, "eth1", interface_index("eth1"), kGroup, kAuthenticationHeader).value();
        auto sender = VrrpSender::open(Family::V4, "eth0", interface_index("eth0")).value();
        const auto send = [&](std::uint16_t id) {
            return sender.send(addr("10.0.0.1"), kGroup, 255, kHello, kAuthenticationHeader, id).has_value();
        };
        // Ids count up with every packet, and those that were asked for come between.
        REQUIRE(send(0));
        REQUIRE(send(0x1234));
        REQUIRE(send(0));
        REQUIRE(sender.send(addr("10.0.0.1"), kGroup, 255, kHello).has_value());  // protocol 112: not for this one
        const auto packets = heard(receiver, 4, 300);
        REQUIRE(packets.size() == 3);
        const auto id = [&](std::size_t at) {
            const auto& header = packets[at].ip_header;
            REQUIRE(header.size() == 20);
            CHECK(header[0] == std::byte{0x45});
            CHECK(header[1] == std::byte{0xc0});
            return std::to_integer<int>(header[4]) * 256 + std::to_integer<int>(header[5]);
        };
        CHECK(id(0) == 1);
        CHECK(id(1) == 0x1234);
        CHECK(id(2) == 3);
        CHECK(packets[0].protocol == 51);
        CHECK(packets[0].payload.size() == 4);
    });
}

TEST_CASE("adverts leave on the interface that is named, though another one has their source address" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        with_addresses();
        accept_local();
        auto receiver = VrrpReceiver::open(Family::V4, "eth0", interface_index("eth0"), kGroup).value();
        auto sender = VrrpSender::open(Family::V4, "eth1", interface_index("eth1")).value();
        REQUIRE(sender.send(addr("10.0.0.1"), kGroup, 255, kHello).has_value());
        const auto packets = heard(receiver, 1);
        REQUIRE(packets.size() == 1);
        CHECK(packets[0].source == addr("10.0.0.1"));
    });
}

TEST_CASE("an advert over IPv6 arrives with its addresses and hop limit" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        with_addresses();
        auto receiver = VrrpReceiver::open(Family::V6, "eth1", interface_index("eth1"), kGroup6).value();
        auto sender = VrrpSender::open(Family::V6, "eth0", interface_index("eth0")).value();
        REQUIRE(sender.send(addr("fe80::1"), kGroup6, 255, kHello).has_value());
        REQUIRE(sender.send(addr("fe80::1"), kGroup6, std::nullopt, kHello).has_value());
        auto packets = heard(receiver, 2);
        REQUIRE(packets.size() == 2);
        CHECK(packets[0].source == addr("fe80::1"));
        CHECK(packets[0].destination == kGroup6);
        CHECK(packets[0].ttl == 255);
        CHECK(packets[0].payload == std::vector<std::byte>{kHello.begin(), kHello.end()});
        CHECK(packets[1].ttl == 1);  // the kernel's own for multicast
        // Unicast, to a link-local address, which is of an interface.
        auto unicast = VrrpSender::open(Family::V6, "eth0", interface_index("eth0")).value();
        auto own = VrrpReceiver::open(Family::V6, "", 0, {}).value();
        packets.clear();
        for (int tries = 0; tries < 20 && packets.empty(); ++tries) {
            REQUIRE(unicast.send(addr("fe80::1"), addr("fe80::1"), 64, kHello).has_value());
            packets = heard(own, 1, 500);
        }
        REQUIRE_FALSE(packets.empty());
        CHECK(packets[0].destination == addr("fe80::1"));
        CHECK(packets[0].ttl == 64);
    });
}

TEST_CASE("unicast adverts leave from the address that is given, and without an interface are routed" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        with_addresses();
        auto sender = VrrpSender::open(Family::V4, "", 0).value();
        auto receiver = VrrpReceiver::open(Family::V4, "", 0, {}).value();
        REQUIRE(sender.send(addr("10.0.0.1"), addr("10.0.0.2"), 64, kHello).has_value());
        const auto packets = heard(receiver, 1);
        REQUIRE(packets.size() == 1);
        CHECK(packets[0].source == addr("10.0.0.1"));
        CHECK(packets[0].ttl == 64);
        CHECK(sender.send(addr("10.0.0.1"), addr("192.0.2.1"), 64, kHello).error().sys_errno() == ENETUNREACH);
        // A rule about the source address counts.
        REQUIRE(ip("rule add from 10.0.0.1 to 10.0.0.99 prohibit pref 5"));
        CHECK(sender.send(addr("10.0.0.1"), addr("10.0.0.99"), 64, kHello).error().sys_errno() == EACCES);
        CHECK(sender.send(addr("10.0.0.2"), addr("10.0.0.99"), 64, kHello).has_value());
    });
}

TEST_CASE("looking for the way sends nothing and uses up no id" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        with_addresses();
        accept_local();
        auto receiver =
            VrrpReceiver::open(Family::V4, "eth1", interface_index("eth1"), kGroup, kAuthenticationHeader).value();
        auto sender = VrrpSender::open(Family::V4, "eth0", interface_index("eth0")).value();
        for (int i = 0; i < 3; ++i) sender.look_for_way(addr("10.0.0.1"), kGroup, 255, kHello, kAuthenticationHeader);
        REQUIRE(sender.send(addr("10.0.0.1"), kGroup, 255, kHello, kAuthenticationHeader).has_value());
        const auto packets = heard(receiver, 2, 300);
        REQUIRE(packets.size() == 1);
        CHECK(packets[0].ip_header.at(5) == std::byte{1});
    });
}

TEST_CASE("a receiver hears the groups that it joined, and no others" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        with_addresses();
        accept_local();
        const auto other = addr("224.0.0.77");
        const auto b = interface_index("eth1");
        auto receiver = VrrpReceiver::open(Family::V4, "eth1", b, kGroup).value();
        auto second = VrrpReceiver::open(Family::V4, "eth1", b, other).value();
        auto sender = VrrpSender::open(Family::V4, "eth0", interface_index("eth0")).value();
        REQUIRE(sender.send(addr("10.0.0.1"), other, 255, kHello).has_value());
        CHECK(heard(second, 1).size() == 1);
        CHECK(heard(receiver, 1, 100).empty());
        CHECK(receiver.join(other).has_value());
        CHECK(receiver.join(other).has_value());  // again: no error
        CHECK(receiver.rejoin(other).has_value());
        REQUIRE(sender.send(addr("10.0.0.1"), other, 255, kHello).has_value());
        CHECK(heard(receiver, 1).size() == 1);
        CHECK(receiver.join(addr("10.0.0.9")).error().text() ==
              "join 10.0.0.9 on eth1: not a multicast group of this family");
        CHECK(receiver.join(kGroup6).error().code() == Errc::Invalid);
        // A group whose membership was lost is joined all the same.
        CHECK(receiver.rejoin(addr("224.0.0.78")).has_value());
        auto six = VrrpReceiver::open(Family::V6, "eth1", b, kGroup6).value();
        CHECK(six.join(addr("ff02::77")).has_value());
        CHECK(six.rejoin(addr("ff02::77")).has_value());
        CHECK(six.join(kGroup).error().code() == Errc::Invalid);
    });
}

TEST_CASE("which receivers have something to take is reported for all at once" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        with_addresses();
        accept_local();
        auto first = VrrpReceiver::open(Family::V4, "eth1", interface_index("eth1"), kGroup).value();
        auto second = VrrpReceiver::open(Family::V6, "eth1", interface_index("eth1"), kGroup6).value();
        const std::array fds{first.fd(), second.fd()};
        CHECK(readable(fds).empty());
        auto sender = VrrpSender::open(Family::V6, "eth0", interface_index("eth0")).value();
        REQUIRE(sender.send(addr("fe80::1"), kGroup6, 255, kHello).has_value());
        pollfd look{second.fd(), POLLIN, 0};
        REQUIRE(::poll(&look, 1, 3000) == 1);
        CHECK(readable(fds) == std::vector<std::size_t>{1});
        CHECK(readable({}).empty());
    });
}

TEST_CASE("more packets than one call takes are taken by the next, and the buffer is as large as is asked for" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        with_addresses();
        accept_local();
        auto receiver = VrrpReceiver::open(Family::V4, "eth1", interface_index("eth1"), kGroup).value();
        auto sender = VrrpSender::open(Family::V4, "eth0", interface_index("eth0")).value();
        for (int i = 0; i < 70; ++i) REQUIRE(sender.send(addr("10.0.0.1"), kGroup, 255, kHello).has_value());
        CHECK(heard(receiver, 70).size() == 70);
        std::vector<ReceivedPacket> packets;
        std::vector<std::byte> room;
        CHECK_FALSE(receiver.receive(packets, room).value());
        const auto size = [&] {
            int bytes = 0;
            socklen_t length = sizeof bytes;
            REQUIRE(::getsockopt(receiver.fd(), SOL_SOCKET, SO_RCVBUF, &bytes, &length) == 0);
            return bytes;
        };
        CHECK(size() == 2 * 4 * 1024 * 1024);
        receiver.set_buffer(100'000);
        CHECK(size() == 200'000);
    });
}

TEST_CASE("sockets for an interface that is not there, and packets of another family, are refused with the reason" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        with_addresses();
        const auto nowhere = VrrpReceiver::open(Family::V4, "no-such-link", 4711, kGroup);
        REQUIRE_FALSE(nowhere.has_value());
        CHECK(nowhere.error().sys_errno() == ENODEV);
        CHECK(nowhere.error().text().starts_with("receive VRRP over IPv4 on no-such-link"));
        CHECK(VrrpReceiver::open(Family::V6, "no-such-link", 4711, kGroup6)
                  .error()
                  .text()
                  .starts_with("receive VRRP over IPv6 on no-such-link"));
        CHECK(VrrpSender::open(Family::V6, "no-such-link", 4711)
                  .error()
                  .text()
                  .starts_with("send VRRP over IPv6 on no-such-link"));
        CHECK(VrrpSender::open(Family::V4, "no-such-link", 4711).error().sys_errno() == ENODEV);
        CHECK(VrrpSender::open(Family::V4, "", 0).has_value());
        auto sender = VrrpSender::open(Family::V4, "eth0", interface_index("eth0")).value();
        for (const auto& [from, to] : {std::pair{addr("fe80::1"), kGroup}, std::pair{addr("10.0.0.1"), kGroup6}}) {
            const auto sent = sender.send(from, to, 255, kHello);
            REQUIRE_FALSE(sent.has_value());
            CHECK(sent.error().text() ==
                  "send VRRP from " + from.to_string() + " to " + to.to_string() + ": wrong address family");
        }
        REQUIRE(ip("link set eth0 down"));
        CHECK(sender.send(addr("10.0.0.1"), kGroup, 255, kHello)
                  .error()
                  .text()
                  .starts_with("send VRRP from 10.0.0.1 to 224.0.0.18"));
    });
}

TEST_CASE("the socket for frames receives none: it is of no protocol and of no interface" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        const auto frames = FrameSender::open().value();
        std::ifstream listed{"/proc/thread-self/net/packet"};
        std::string line, sk, users, type, protocol, interface;
        REQUIRE(std::getline(listed, line));
        listed >> sk >> users >> type >> protocol >> interface;
        CHECK(type == "3");
        CHECK(protocol == "0000");
        CHECK(interface == "0");
    });
}

TEST_CASE("frames go out in order, up to the first that is refused, which is named" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        with_addresses();
        const wire::MacAddress mac{std::byte{2}, {}, {}, {}, {}, std::byte{1}};
        auto frames = FrameSender::open().value();
        const auto send = [&](std::uint32_t index, const std::vector<std::vector<std::byte>>& what) {
            return frames.send(index, what);
        };
        const auto made = wire::gratuitous_arp(mac, addr("10.0.0.50")).value();
        const std::vector<std::byte> arp{made.begin(), made.end()};
        REQUIRE(ip("link set eth1 arp on"));
        REQUIRE(std::system("echo 1 >/proc/sys/net/ipv4/conf/eth1/arp_accept") == 0);
        CHECK(send(interface_index("eth0"), {}).has_value());
        REQUIRE(send(interface_index("eth0"), {arp, arp}).has_value());
        CHECK(ip("neigh show dev eth1 | grep -q '10.0.0.50 lladdr 02:00:00:00:00:01'"));
        const auto refused = send(interface_index("eth0"), {arp, std::vector<std::byte>(13)});
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().sys_errno() == EINVAL);
        CHECK(refused.error().text().starts_with("send frame 1 of 2 on interface "));
        CHECK(send(interface_index("eth0"), {std::vector<std::byte>(14)}).has_value());
        const auto nowhere = send(4711, {arp});
        REQUIRE_FALSE(nowhere.has_value());
        CHECK(nowhere.error().sys_errno() == ENXIO);
        CHECK(nowhere.error().text().starts_with("send frame 1 of 1 on interface 4711"));
        const std::vector<std::vector<std::byte>> many(1500, arp);
        CHECK(send(interface_index("eth0"), many).has_value());
        REQUIRE(ip("link set eth0 down"));
        CHECK(send(interface_index("eth0"), {arp, arp}).error().sys_errno() == ENETDOWN);
    });
}

TEST_CASE("a probe finds who answers for an address, and nobody for a free one" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        REQUIRE(ip("addr add 10.0.0.2/24 dev eth1"));
        const wire::MacAddress own{std::byte{2}, {}, {}, {}, {}, std::byte{0x0a}};
        const wire::MacAddress theirs{std::byte{2}, {}, {}, {}, {}, std::byte{0x0b}};
        const auto index = interface_index("eth0");
        using std::chrono::milliseconds;
        const std::array both{addr("10.0.0.9"), addr("10.0.0.2"), addr("10.0.0.2")};
        const auto found = probe_addresses(index, own, both, milliseconds{300});
        REQUIRE(found.has_value());
        CHECK(*found == std::vector<ArpAnswer>{{addr("10.0.0.2"), theirs}});
        CHECK(probe_addresses(index, own, std::span{both}.first(1), milliseconds{50}).value().empty());
        CHECK_FALSE(probe_addresses(4711, own, both, milliseconds{50}).has_value());
        const std::array six{addr("fe80::1")};
        CHECK_FALSE(probe_addresses(index, own, six, milliseconds{50}).has_value());
        // The 257th is not asked for.
        std::vector<IpAddress> many(kProbedAddressesMax, addr("10.0.0.9"));
        many.push_back(addr("10.0.0.2"));
        CHECK(probe_addresses(index, own, many, milliseconds{300}).value().empty());
        many.erase(many.begin());
        CHECK(probe_addresses(index, own, many, milliseconds{1000}).value().size() == 1);
        REQUIRE(ip("link set eth0 down"));
        CHECK(probe_addresses(index, own, both, milliseconds{50}).error().text().starts_with("send an ARP probe"));
    });
}
