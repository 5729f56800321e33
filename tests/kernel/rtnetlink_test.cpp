// Links, addresses, routes and rules of a network namespace of the test's own.
#include "mainstay/kernel/rtnetlink.hpp"
#include "../needs.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>

#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/kernel/netlink_socket.hpp"
#include "mainstay/kernel/routing.hpp"
#include "own_network.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::in_own_network;
using mainstay::test::ip;
using mainstay::test::join_two_interfaces;

namespace {

Address address(const std::string& text, std::uint32_t index) {
    Address made;
    made.interface_index = index;
    made.prefix = Prefix{IpAddress::parse(text.substr(0, text.find('/'))).value(),
                         static_cast<std::uint8_t>(std::stoi(text.substr(text.find('/') + 1)))};
    return made;
}

std::vector<std::string> texts(const std::vector<Address>& addresses, std::uint32_t index) {
    std::vector<std::string> found;
    for (const auto& one : addresses)
        if (one.interface_index == index) found.push_back(one.prefix.address.to_string());
    std::ranges::sort(found);
    return found;
}

bool readable_now(int fd) {
    pollfd look{fd, POLLIN, 0};
    return ::poll(&look, 1, 0) == 1;
}

template <class T>
std::size_t count(const std::vector<RouteNotification>& told) {
    return static_cast<std::size_t>(
        std::ranges::count_if(told, [](const auto& one) { return std::holds_alternative<T>(one); }));
}

}  // namespace

TEST_CASE("links are listed as they are, and none of an earlier list is among them" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto netlink = Rtnetlink::open().value();
        const auto before = netlink.links().value();
        REQUIRE(before.size() == 1);
        CHECK(before[0].name == "lo");
        CHECK(before[0].loopback);
        CHECK_FALSE(before[0].up);
        join_two_interfaces();
        const auto after = netlink.links().value();
        CHECK(after.size() == 3);
        const auto b = std::ranges::find(after, "eth1", &Link::name);
        REQUIRE(b != after.end());
        CHECK(b->up);
        CHECK(b->kind == "veth");
        CHECK(b->index == interface_index("eth1"));
        CHECK(interface_name(b->index) == "eth1");
        CHECK(interface_name(4711).empty());
        CHECK(interface_index("no-such-link") == 0);
    });
}

TEST_CASE("addresses are added and removed, and each that is refused is named with the kernel's errno" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        const auto a = interface_index("eth0");
        Address damaged = address("10.0.0.3/32", 0);
        const auto failures =
            netlink.add({address("10.0.0.1/32", a), damaged, address("10.0.0.2/32", a), address("10.0.0.4/32", 4711)})
                .value();
        REQUIRE(failures.size() == 2);
        CHECK(failures[0].index == 1);
        CHECK(failures[0].sys_errno == EINVAL);
        CHECK(failures[1].index == 3);
        CHECK(failures[1].sys_errno == ENODEV);
        CHECK(texts(netlink.addresses().value(), a).at(0) == "10.0.0.1");
        CHECK(texts(netlink.addresses().value(), a).at(1) == "10.0.0.2");
        CHECK(netlink.add({address("10.0.0.1/32", a)}).value().empty());  // there already
        CHECK(netlink.remove({address("10.0.0.1/32", a), address("10.0.0.1/32", a), address("10.0.0.1/32", 4711)})
                  .value()
                  .empty());  // gone already
        CHECK(texts(netlink.addresses().value(), a).at(0) == "10.0.0.2");
    });
}

TEST_CASE("hundreds of addresses go in batches, and what is refused keeps its place among them" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        const auto a = interface_index("eth0");
        std::vector<Address> many;
        for (int i = 0; i < 600; ++i) many.push_back(address(fmt::format("10.1.{}.{}/32", i / 200, i % 200 + 1), a));
        many[5].interface_index = 0;
        many[300].interface_index = 4711;
        many[599].interface_index = 4711;
        const auto failures = netlink.add(many).value();
        REQUIRE(failures.size() == 3);
        CHECK(failures[0].index == 5);
        CHECK(failures[1].index == 300);
        CHECK(failures[2].index == 599);
        const auto there = texts(netlink.addresses().value(), a);
        CHECK(std::ranges::count_if(there, [](const auto& text) { return text.starts_with("10.1."); }) == 597);
        CHECK(netlink.remove(many).value().size() == 1);  // the one that cannot be encoded
        const auto left = texts(netlink.addresses().value(), a);
        CHECK(std::ranges::count_if(left, [](const auto& text) { return text.starts_with("10.1."); }) == 0);
    });
}

TEST_CASE("a prepared batch holds at most 256 addresses, and says when the kernel has carried it out" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        const auto a = interface_index("eth0");
        std::vector<Address> many;
        for (int i = 0; i < 257; ++i) many.push_back(address(fmt::format("10.1.{}.{}/32", i / 200, i % 200 + 1), a));
        many[7].interface_index = 0;
        auto batch = netlink.prepare_add(many);
        CHECK(batch.sent.size() == 255);
        CHECK(batch.sent.at(7) == 8);
        CHECK(batch.failures.size() == 1);
        CHECK(texts(netlink.addresses().value(), a).size() < 5);
        std::size_t there = 0;
        auto other = Rtnetlink::open().value();
        const auto failures =
            netlink.add(std::move(batch), [&] { there = texts(other.addresses().value(), a).size(); }).value();
        REQUIRE(failures.size() == 1);
        CHECK(failures[0].index == 7);
        CHECK(there >= 255);
        CHECK(netlink.prepare_add(std::span{many}.first(3)).sent.size() == 3);
        // Nothing can be sent of this one, and nobody is called.
        bool called = false;
        CHECK(netlink.add(netlink.prepare_add(std::span{many}.subspan(7, 1)), [&] { called = true; }).value().size() ==
              1);
        CHECK_FALSE(called);
    });
}

TEST_CASE("the warm-up changes nothing" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        const auto before = netlink.addresses().value();
        netlink.warm_up(address("10.0.0.1/32", interface_index("eth0")));
        CHECK(netlink.addresses().value() == before);
    });
}

TEST_CASE("what changes is reported: links, addresses and IPv6 forwarding, each once, and nothing when nothing does" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        const auto a = interface_index("eth0");
        CHECK_FALSE(netlink.notification_fd() == netlink.command_fd());
        (void)netlink.read_notifications();
        CHECK(netlink.read_notifications().value().empty());
        REQUIRE(netlink.add({address("10.0.0.1/32", a)}).value().empty());
        CHECK(readable_now(netlink.notification_fd()));
        const auto added = netlink.read_notifications().value();
        REQUIRE(count<AddressAdded>(added) == 1);
        CHECK_FALSE(readable_now(netlink.notification_fd()));
        REQUIRE(netlink.remove({address("10.0.0.1/32", a)}).value().empty());
        CHECK(count<AddressRemoved>(netlink.read_notifications().value()) == 1);
        REQUIRE(netlink.add({address("fd00::1/128", a)}).value().empty());
        pollfd look{netlink.notification_fd(), POLLIN, 0};
        CHECK(::poll(&look, 1, 5000) == 1);  // the kernel tells of IPv6 a little later
        CHECK(count<AddressAdded>(netlink.read_notifications().value()) == 1);
        REQUIRE(ip("link set eth0 down"));
        CHECK(count<LinkChanged>(netlink.read_notifications().value()) >= 1);
        REQUIRE(ip("link del eth0"));
        CHECK(count<LinkGone>(netlink.read_notifications().value()) == 2);
        CHECK(count<NotificationsLost>(netlink.read_notifications().value()) == 0);
    });
}

TEST_CASE("whether interfaces forward IPv6 is listed, one by one" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        const auto forwards = [&](std::uint32_t index) -> int {
            const auto all = netlink.forwarding().value();
            const auto found = std::ranges::find(all, index, &ForwardingChanged::interface_index);
            return found == all.end() ? -1 : static_cast<int>(found->forwards);
        };
        const auto a = interface_index("eth0");
        CHECK(forwards(a) == 0);
        (void)netlink.read_notifications();
        REQUIRE(std::system("echo 1 >/proc/sys/net/ipv6/conf/eth0/forwarding") == 0);
        CHECK(forwards(a) == 1);
        CHECK(forwards(interface_index("eth1")) == 0);
        CHECK(count<ForwardingChanged>(netlink.read_notifications().value()) >= 1);
    });
}

TEST_CASE(
    "notifications have room for a change of thousands of addresses: the requested size, which the kernel doubles" *
    mainstay::test::kNeedsRoot) {
    in_own_network([] {
        const auto room = [](int fd) {
            int bytes = 0;
            socklen_t length = sizeof bytes;
            REQUIRE(::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &length) == 0);
            return bytes;
        };
        CHECK(room(Rtnetlink::open().value().notification_fd()) == 16'777'216);
        CHECK(room(RoutingTables::open().value().notification_fd()) == 2'097'152);
    });
}

TEST_CASE("notifications that do not fit are reported once as lost, and later ones come again" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        (void)size_receive_buffer(netlink.notification_fd(), 4096);
        const auto a = interface_index("eth0");
        std::vector<Address> many;
        for (int i = 0; i < 200; ++i) many.push_back(address(fmt::format("10.1.0.{}/32", i + 1), a));
        REQUIRE(netlink.add(many).value().empty());
        const auto told = netlink.read_notifications().value();
        CHECK(count<NotificationsLost>(told) == 1);
        CHECK(count<AddressAdded>(told) < 200);
        REQUIRE(netlink.remove({many[0]}).value().empty());
        const auto later = netlink.read_notifications().value();
        CHECK(later.size() == 1);
        CHECK(count<AddressRemoved>(later) == 1);
    });
}

// The kernel says once that its queue is full, and drops what comes until the queue has been emptied.
TEST_CASE("what changes after notifications were lost is told, however many of them are waiting" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        (void)size_receive_buffer(netlink.notification_fd(), 1024UL * 1024UL);
        const auto a = interface_index("eth0");
        std::vector<Address> many;
        for (int i = 0; i < 8000; ++i) many.push_back(address(fmt::format("10.1.{}.{}/32", i / 200, i % 200 + 1), a));
        REQUIRE(netlink.add(many).value().empty());
        const auto told = netlink.read_notifications().value();
        REQUIRE(count<NotificationsLost>(told) == 1);
        CHECK(std::holds_alternative<NotificationsLost>(told.back()));
        CHECK(count<AddressAdded>(told) > 1024);
        CHECK_FALSE(readable_now(netlink.notification_fd()));
        REQUIRE(netlink.remove({many[0]}).value().empty());
        CHECK(count<AddressRemoved>(netlink.read_notifications().value()) == 1);
    });
}

TEST_CASE("a list that changes while it is read names nothing twice" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        const auto a = interface_index("eth0");
        std::vector<Address> many;
        for (int i = 0; i < 1000; ++i) many.push_back(address(fmt::format("10.{}.{}.1/32", i / 200, i % 200), a));
        auto netlink = Rtnetlink::open().value();
        REQUIRE(netlink.add(many).value().empty());
        std::atomic<bool> done = false;
        std::thread others{[&] {
            auto changes = Rtnetlink::open().value();
            const std::vector<Address> one{address("10.200.0.1/32", a)};
            while (!done) {
                (void)changes.add(one);
                (void)changes.remove(one);
            }
        }};
        for (int i = 0; i < 20; ++i) {
            const auto listed = netlink.addresses();
            if (!listed) continue;  // it was changed each time
            auto names = texts(*listed, a);
            CHECK(std::ranges::adjacent_find(names) == names.end());
            CHECK(names.size() >= 1000);
        }
        done = true;
        others.join();
    });
}

TEST_CASE("what another process sends to the listening socket is no notification" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        (void)netlink.read_notifications();
        sockaddr_nl target{};
        socklen_t length = sizeof target;
        REQUIRE(::getsockname(netlink.notification_fd(), reinterpret_cast<sockaddr*>(&target), &length) == 0);
        struct {
            nlmsghdr header;
            ifinfomsg body;
        } forged{};
        forged.header = {sizeof forged, RTM_DELLINK, 0, 0, 0};
        forged.body.ifi_index = static_cast<int>(interface_index("eth0"));
        auto other = NetlinkSocket::open(NETLINK_ROUTE).value();
        REQUIRE(::sendto(other.fd(), &forged, sizeof forged, 0, reinterpret_cast<const sockaddr*>(&target),
                         sizeof target) == static_cast<ssize_t>(sizeof forged));
        CHECK(readable_now(netlink.notification_fd()));
        CHECK(netlink.read_notifications().value().empty());
        CHECK_FALSE(readable_now(netlink.notification_fd()));
    });
}

TEST_CASE("an interface is made, set and removed, and a refusal says what was tried" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto maker = LinkMaker::open().value();
        const auto parent = interface_index("eth0");
        NewLink link{.kind = NewLink::Kind::PrivateMacvlan,
                     .ipvlan_mode = NewLink::IpvlanMode::Bridge,
                     .name = "vrrp.51",
                     .parent = parent,
                     .hardware_address = std::array<std::byte, 6>{std::byte{0}, std::byte{0}, std::byte{0x5e},
                                                                  std::byte{0}, std::byte{1}, std::byte{51}},
                     .group = 0};
        if (const auto made = maker.make(link); !made && made.error().sys_errno() == EOPNOTSUPP) {
            MESSAGE("this kernel has no macvlan");
            return;
        }
        const auto again = maker.make(link);
        REQUIRE_FALSE(again.has_value());
        CHECK(again.error().sys_errno() == EEXIST);
        CHECK(again.error().text().starts_with("make the interface vrrp.51"));
        const auto index = interface_index("vrrp.51");
        REQUIRE(index != 0);
        LinkSettings settings;
        settings.index = index;
        settings.up = true;
        REQUIRE(maker.set(settings).has_value());
        const auto links = Rtnetlink::open().value().links().value();
        CHECK(std::ranges::find(links, index, &Link::index)->up);
        settings.index = 4711;
        const auto missing = maker.set(settings);
        REQUIRE_FALSE(missing.has_value());
        CHECK(missing.error().sys_errno() == ENODEV);
        CHECK(missing.error().text().starts_with("change interface 4711"));
        REQUIRE(maker.remove(index).has_value());
        CHECK(interface_index("vrrp.51") == 0);
        CHECK(maker.remove(index).has_value());  // gone already
        const auto loopback = maker.remove(interface_index("lo"));
        REQUIRE_FALSE(loopback.has_value());
        CHECK(loopback.error().text().starts_with("remove interface 1"));
        link.name.clear();
        CHECK_FALSE(maker.make(link).has_value());
        settings.index = 0;
        CHECK_FALSE(maker.set(settings).has_value());
    });
}
