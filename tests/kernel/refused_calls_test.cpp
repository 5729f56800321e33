// What the adapters make of a refused call: the test stands in for the call.
#include "refused_calls.hpp"
#include "needs_seccomp.hpp"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include "../addr.hpp"
#include "mainstay/kernel/arp_probe.hpp"
#include "mainstay/kernel/bfd_sockets.hpp"
#include "mainstay/kernel/environment.hpp"
#include "mainstay/kernel/ipvs.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/kernel/local_address.hpp"
#include "mainstay/kernel/netlink_socket.hpp"
#include "mainstay/kernel/nftables.hpp"
#include "mainstay/kernel/process_watch.hpp"
#include "mainstay/kernel/routing.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "mainstay/kernel/system_calls.hpp"
#include "mainstay/kernel/vrrp_sockets.hpp"
#include "mainstay/wire/arp.hpp"
#include "own_network.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::addr;
using test::Call;
using test::Refused;

namespace {

thread_local int refused_rules = 0;       // the error number that libseccomp gives for each rule with conditions
thread_local bool knows_no_call = false;  // whether this processor has none of the calls with one name
thread_local int rules_for_no_call = 0;   // how often libseccomp was asked for a rule without a call

// What `act` says of its failure, without the reason.
template <class Act>
std::string error_of(const Act& act) {
    const auto done = act();
    return done ? std::string{} : done.error().text().substr(0, done.error().text().rfind(": "));
}

}  // namespace

// In place of libseccomp's, for all that is linked into the test program.
extern "C" int seccomp_rule_add_array(void* filter, std::uint32_t action, int call, unsigned count, const void* where) {
    static auto* const next = reinterpret_cast<int (*)(void*, std::uint32_t, int, unsigned, const void*)>(
        ::dlsym(RTLD_NEXT, "seccomp_rule_add_array"));
    if (call == -1) ++rules_for_no_call;
    return count > 0 && refused_rules != 0 ? -refused_rules : next(filter, action, call, count, where);
}

extern "C" int seccomp_syscall_resolve_name(const char* name) {
    static auto* const next =
        reinterpret_cast<int (*)(const char*)>(::dlsym(RTLD_NEXT, "seccomp_syscall_resolve_name"));
    return knows_no_call && std::string{name} == "pause" ? -1 : next(name);
}

TEST_CASE("an address in a VRF is one to send from for what is sent over the VRF alone") {
    const test::OneVrf host{"vrf0", 0x0a070001};
    CHECK(can_send_from(addr("10.7.0.1"), "vrf0"));
    CHECK_FALSE(can_send_from(addr("10.7.0.1"), "eth0"));
    CHECK_FALSE(can_send_from(addr("10.7.0.2"), "vrf0"));
    CHECK_FALSE(can_send_from(addr("10.7.0.1"), ""));
}

TEST_CASE("of an address nothing is said where no socket can be made for it") {
    const Refused refused{Call::Socket, EAFNOSUPPORT};
    CHECK(can_send_from(addr("2001:db8::77"), "eth0"));
}

TEST_CASE("a rule that libseccomp refuses is reported, and one that this processor has no use for is left out" *
          mainstay::test::kNeedsSeccomp) {
    // The exit status of a child that restricts itself: 0 when it is restricted, else the error.
    const auto status_with = [](int error) {
        const int pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            refused_rules = error;
            const std::array sets{CallSet::Threads};
            const auto restricted = restrict_system_calls(sets);
            if (rules_for_no_call > 0) ::_exit(203);
            if (restricted) ::_exit(::prctl(PR_GET_SECCOMP) == 2 ? 0 : 201);
            ::_exit(restricted.error().text().starts_with("load the list of allowed system calls:")
                        ? restricted.error().sys_errno()
                        : 202);
        }
        int status = -1;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    };
    CHECK(status_with(0) == 0);
    CHECK(status_with(ENOMEM) == ENOMEM);
    CHECK(status_with(EPERM) == EPERM);
    CHECK(status_with(EDOM) == 0);
    knows_no_call = true;
    CHECK(status_with(0) == 0);
    CHECK(status_with(ENOMEM) == ENOMEM);  // and nothing was asked for without a call
    knows_no_call = false;
}

TEST_CASE("a socket for BFD that cannot be made as it should be says what was refused") {
    const auto v4 = [] { return BfdReceiver::open(Family::V4, 0); };
    const auto v6 = [] { return BfdReceiver::open(Family::V6, 0); };
    CHECK(test::refused_attempt(Call::Socket, 0, v4) == "receive BFD over IPv4: open a UDP socket");
    CHECK(test::refused_attempt(Call::Bind, 0, v4) == "receive BFD over IPv4: bind any address port 0");
    CHECK(test::refused_attempt(Call::Setsockopt, 0, v4) == "receive BFD over IPv4: set IP_RECVTTL");
    CHECK(test::refused_attempt(Call::Setsockopt, 1, v4) == "receive BFD over IPv4: set IP_PKTINFO");
    CHECK(test::refused_attempt(Call::Setsockopt, 2, v4).empty());
    CHECK(test::refused_attempt(Call::Getsockname, 0, v4) == "receive BFD over IPv4: read the socket's own port");
    const auto send = [] { return BfdSender::open(Family::V4, addr("127.0.0.1"), 0); };
    CHECK(test::refused_attempt(Call::Bind, 0, send) == "send BFD from port 0: bind 127.0.0.1 port 0");
    CHECK(test::refused_attempt(Call::Setsockopt, 0, send) == "send BFD from port 0: attach a socket filter");
    CHECK(test::refused_attempt(Call::Setsockopt, 1, send) == "send BFD from port 0: set IP_TOS");
    CHECK(test::refused_attempt(Call::Setsockopt, 2, send) == "send BFD from port 0: set SO_PRIORITY");
    if (!BfdReceiver::open(Family::V6, 0)) return;
    CHECK(test::refused_attempt(Call::Setsockopt, 0, v6) == "receive BFD over IPv6: set IPV6_V6ONLY");
    CHECK(test::refused_attempt(Call::Setsockopt, 1, v6) == "receive BFD over IPv6: set IPV6_RECVHOPLIMIT");
    CHECK(test::refused_attempt(Call::Setsockopt, 2, v6) == "receive BFD over IPv6: set IPV6_RECVPKTINFO");
    const auto send_v6 = [] { return BfdSender::open(Family::V6, addr("::1"), 0); };
    CHECK(test::refused_attempt(Call::Setsockopt, 2, send_v6) == "send BFD from port 0: set IPV6_TCLASS");
}

TEST_CASE("a BFD packet is sent again after a signal, and a refusal names the neighbour") {
    auto receiver = BfdReceiver::open(Family::V4, 0).value();
    auto sender = BfdSender::open(Family::V4, addr("127.0.0.1"), 0).value();
    const std::array hello{std::byte{7}};
    const auto send = [&] { return sender.send(addr("127.0.0.1"), receiver.port(), 255, hello); };
    CHECK(test::refused_attempt(Call::Setsockopt, 0, send) == "send BFD to 127.0.0.1: set IP_TTL");
    CHECK(test::refused_attempt(Call::Sendto, 0, send) == "send BFD to 127.0.0.1");
    {
        const Refused interrupted{Call::Sendto, EINTR};
        CHECK(send().has_value());
        CHECK(interrupted.met());
    }
    pollfd look{receiver.fd(), POLLIN, 0};
    REQUIRE(::poll(&look, 1, 5000) == 1);
    std::vector<ReceivedDatagram> heard;
    CHECK(test::refused_attempt(Call::Recvmmsg, 0, [&] { return receiver.receive(heard); }) ==
          "receive BFD on port " + std::to_string(receiver.port()));
    CHECK(heard.empty());
    const Refused interrupted{Call::Recvmmsg, EINTR};
    CHECK(receiver.receive(heard).value());
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].ttl == 255);
    CHECK_FALSE(receiver.receive(heard).value());
}

TEST_CASE("a socket for VRRP that cannot be made as it should be says what was refused" * mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        test::join_two_interfaces();
        const auto index = interface_index("eth0");
        const IpAddress group = addr("224.0.0.18"), group6 = addr("ff02::12");
        const auto receive = [&] { return VrrpReceiver::open(Family::V4, "eth0", index, group); };
        const auto receive6 = [&] { return VrrpReceiver::open(Family::V6, "eth0", index, group6); };
        const auto send = [&] { return VrrpSender::open(Family::V4, "eth0", index); };
        const auto send6 = [&] { return VrrpSender::open(Family::V6, "eth0", index); };
        CHECK(test::refused_attempt(Call::Socket, 0, receive) == "receive VRRP over IPv4 on eth0");
        CHECK(test::refused_attempt(Call::Setsockopt, 0, receive) == "receive VRRP over IPv4 on eth0");
        CHECK(test::refused_attempt(Call::Setsockopt, 1, receive) ==
              "receive VRRP over IPv4 on eth0: set IP_MULTICAST_ALL");
        CHECK(test::refused_attempt(Call::Setsockopt, 2, receive).empty());  // the size of the buffer
        CHECK(test::refused_attempt(Call::Setsockopt, 3, receive).empty());  // time stamps
        CHECK(test::refused_attempt(Call::Setsockopt, 4, receive) == "join 224.0.0.18 on eth0");
        CHECK(test::refused_attempt(Call::Setsockopt, 1, receive6) ==
              "receive VRRP over IPv6 on eth0: set IPV6_RECVPKTINFO");
        CHECK(test::refused_attempt(Call::Setsockopt, 2, receive6) ==
              "receive VRRP over IPv6 on eth0: set IPV6_RECVHOPLIMIT");
        CHECK(test::refused_attempt(Call::Setsockopt, 3, receive6).empty());  // IPV6_MULTICAST_ALL
        CHECK(test::refused_attempt(Call::Setsockopt, 6, receive6) == "join ff02::12 on eth0");
        CHECK(test::refused_attempt(Call::Socket, 0, send) == "send VRRP over IPv4 on eth0");
        CHECK(test::refused_attempt(Call::Setsockopt, 0, send) == "send VRRP over IPv4 on eth0");
        CHECK(test::refused_attempt(Call::Setsockopt, 1, send) == "send VRRP over IPv4 on eth0: set IP_MULTICAST_IF");
        CHECK(test::refused_attempt(Call::Setsockopt, 2, send) == "send VRRP over IPv4 on eth0: set IP_MULTICAST_LOOP");
        CHECK(test::refused_attempt(Call::Setsockopt, 3, send) == "send VRRP over IPv4 on eth0: set SO_PRIORITY");
        CHECK(test::refused_attempt(Call::Setsockopt, 1, send6) ==
              "send VRRP over IPv6 on eth0: attach a socket filter");
        CHECK(test::refused_attempt(Call::Setsockopt, 2, send6) == "send VRRP over IPv6 on eth0: set IPV6_TCLASS");
        CHECK(test::refused_attempt(Call::Setsockopt, 3, send6) ==
              "send VRRP over IPv6 on eth0: set IPV6_MULTICAST_IF");
        CHECK(test::refused_attempt(Call::Setsockopt, 4, send6) ==
              "send VRRP over IPv6 on eth0: set IPV6_MULTICAST_LOOP");
        CHECK(test::refused_attempt(Call::Socket, 0, [] { return FrameSender::open(); }) == "open a packet socket");
        CHECK(test::refused_attempt(Call::Setsockopt, 0, [] { return FrameSender::open(); }).empty());
    });
}

TEST_CASE("an advert is sent and read again after a signal, and a refusal names what was tried" *
          mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        test::join_two_interfaces();
        REQUIRE(test::ip("addr add 10.0.0.1/24 dev eth0"));
        const auto index = interface_index("eth0");
        auto sender = VrrpSender::open(Family::V4, "eth0", index).value();
        auto receiver = VrrpReceiver::open(Family::V4, "", 0, {}).value();
        REQUIRE(test::ip("link set lo up"));
        const std::array hello{std::byte{7}};
        const auto send = [&] { return sender.send(addr("10.0.0.1"), addr("10.0.0.1"), 64, hello); };
        CHECK(test::refused_attempt(Call::Sendmsg, 0, send) == "send VRRP from 10.0.0.1 to 10.0.0.1");
        {
            const Refused interrupted{Call::Sendmsg, EINTR};
            CHECK(send().has_value());
            CHECK(interrupted.met());
        }
        std::vector<ReceivedPacket> heard;
        std::vector<std::byte> room;
        CHECK(test::refused_attempt(Call::Recvmmsg, 0, [&] { return receiver.receive(heard, room); }) ==
              "receive VRRP on any interface");
        CHECK(heard.empty());
        const Refused interrupted{Call::Recvmmsg, EINTR};
        CHECK(receiver.receive(heard, room).value());
        CHECK(heard.size() == 1);
        auto frames = FrameSender::open().value();
        const std::vector<std::vector<std::byte>> two(2, std::vector<std::byte>(14));
        {
            const Refused again{Call::Sendmmsg, EINTR};
            CHECK(frames.send(index, two).has_value());
            CHECK(again.met());
        }
        CHECK(test::refused_attempt(Call::Sendmmsg, 0, [&] { return frames.send(index, two); }) ==
              "send frame 1 of 2 on interface " + std::to_string(index));
        const Refused nothing{Call::Sendmmsg, 0};
        CHECK(frames.send(index, two).error().sys_errno() == EIO);
    });
}

TEST_CASE("answers to ARP probes are read again after a signal" * mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        test::join_two_interfaces();
        REQUIRE(test::ip("addr add 10.0.0.2/24 dev eth1"));
        const wire::MacAddress own{std::byte{2}, {}, {}, {}, {}, std::byte{0x0a}};
        const std::array asked{addr("10.0.0.2")};
        const auto probe = [&](int wait_ms) {
            return probe_addresses(interface_index("eth0"), own, asked, std::chrono::milliseconds{wait_ms});
        };
        {
            const Refused interrupted{Call::Recv, EINTR};
            CHECK(probe(300).value().size() == 1);
            CHECK(interrupted.met());
        }
        {
            const Refused interrupted{Call::Poll, EINTR};
            CHECK(probe(300).value().size() == 1);
            CHECK(interrupted.met());
        }
        CHECK(test::refused_attempt(Call::Poll, 0, [&] { return probe(300); }) == "wait for answers to ARP probes");
        CHECK(test::refused_attempt(Call::Socket, 0, [&] { return probe(300); }) == "open a packet socket");
        CHECK(test::refused_attempt(Call::Bind, 0, [&] { return probe(300); }) == "bind a packet socket");
        CHECK(test::refused_attempt(Call::Send, 0, [&] { return probe(300); }) == "send an ARP probe");
    });
}

TEST_CASE("of what comes during an ARP probe only replies from addresses that were asked for are answers" *
          mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        test::join_two_interfaces();
        const wire::MacAddress own{std::byte{2}, {}, {}, {}, {}, std::byte{0x0a}};
        const wire::MacAddress theirs{std::byte{2}, {}, {}, {}, {}, std::byte{0x77}};
        const std::array asked{addr("10.0.0.7")};
        // A reply: opcode 2 instead of the probe's 1, and the address that the probe asks for as the sender's.
        const auto reply_of = [&](const char* address, std::uint8_t opcode) {
            const auto made = wire::arp_probe(theirs, addr(address)).value();
            std::vector<std::byte> frame{made.begin(), made.end()};
            frame.at(21) = std::byte{opcode};
            std::ranges::copy(std::span{made}.subspan(38, 4), frame.begin() + 28);
            return frame;
        };
        const auto found_with = [&](const std::vector<std::byte>& frame) {
            test::before_next(Call::Poll, [&] {
                auto frames = FrameSender::open().value();
                REQUIRE(frames.send(interface_index("eth1"), std::array{frame}).has_value());
            });
            return probe_addresses(interface_index("eth0"), own, asked, std::chrono::milliseconds{100}).value();
        };
        CHECK(found_with(reply_of("10.0.0.7", 2)) == std::vector<ArpAnswer>{{addr("10.0.0.7"), theirs}});
        CHECK(found_with(reply_of("10.0.0.8", 2)).empty());
        CHECK(found_with(reply_of("10.0.0.7", 1)).empty());
        auto cut = reply_of("10.0.0.7", 2);
        cut.resize(30);
        CHECK(found_with(cut).empty());
    });
}

TEST_CASE("a packet to a link-local address leaves on the interface of its sender or not at all" *
          mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        test::join_two_interfaces();
        REQUIRE(test::ip("addr add 2001:db8::1/64 dev eth0 nodad"));
        auto sender = VrrpSender::open(Family::V6, "eth1", interface_index("eth1")).value();
        const std::array hello{std::byte{7}};
        REQUIRE(test::ip("link set eth1 down"));
        CHECK(error_of([&] { return sender.send(addr("2001:db8::1"), addr("fe80::9"), 64, hello); }) ==
              "send VRRP from 2001:db8::1 to fe80::9");
    });
}

TEST_CASE("a link that cannot be made or removed is named, one that is gone is removed, and no link is none" *
          mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        auto links = LinkMaker::open().value();
        CHECK(links.remove(0).error().text() == "no interface to remove");
        CHECK(links.remove(4711).has_value());  // it is gone as it is
        const auto kept = links.remove(1);
        REQUIRE_FALSE(kept.has_value());
        CHECK(kept.error().text().starts_with("remove interface 1"));
        netlink::NewLink link;
        link.name = "vrrp.1";
        link.parent = 4711;
        CHECK(links.make(link).error().text().starts_with("make the interface vrrp.1"));
    });
}

TEST_CASE("lists of addresses are given back to the C library") {
    const int before = test::address_lists_held();
    (void)host_environment().subnets();
    (void)link_local_addresses();
    CHECK(test::address_lists_held() == before);
}

TEST_CASE("changes of tables are forgotten though some of their notifications were lost" * mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        auto tables = Nftables::open();
        if (!tables) return;
        auto others = Nftables::open().value();
        netlink::VipFilter filter;
        filter.filters = true;
        filter.addresses = {addr("10.0.0.1")};
        auto batch = others.begin();
        netlink::append_filter(batch, filter);
        REQUIRE(others.commit(batch).has_value());
        const auto changed = [&] {
            pollfd look{tables->change_fd(), POLLIN, 0};
            return ::poll(&look, 1, 0) == 1;
        };
        REQUIRE(changed());
        {
            const Refused lost{Call::Recv, ENOBUFS};
            tables->forget_changes();
            CHECK(lost.met());
        }
        CHECK_FALSE(changed());
    });
}

TEST_CASE("a socket to netlink that cannot be made as it should be says what was refused, and for what" *
          mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        const auto open = [] { return NetlinkSocket::open(NETLINK_ROUTE); };
        CHECK(test::refused_attempt(Call::Socket, 0, open) == "open a netlink socket");
        CHECK(test::refused_attempt(Call::Bind, 0, open) == "bind a netlink socket");
        CHECK(test::refused_attempt(Call::Setsockopt, 0, open) == "set the netlink receive timeout");
        CHECK(test::refused_attempt(Call::Setsockopt, 1, open) == "setsockopt netlink");
        CHECK(test::refused_attempt(Call::Setsockopt, 2, open).empty());  // texts of errors
        CHECK(test::refused_attempt(Call::Setsockopt, 3, open).empty());  // the lenient rules of old kernels
        const auto links = [] { return LinkMaker::open(); };
        CHECK(test::refused_attempt(Call::Socket, 0, links) == "change interfaces: open a netlink socket");
        const auto addresses = [] { return Rtnetlink::open(); };
        CHECK(test::refused_attempt(Call::Socket, 0, addresses) == "rtnetlink: open a netlink socket");
        CHECK(test::refused_attempt(Call::Socket, 1, addresses) == "open the rtnetlink notification socket");
        CHECK(test::refused_attempt(Call::Bind, 1, addresses) == "bind the rtnetlink notification socket");
        CHECK(test::refused_attempt(Call::Setsockopt, 5, addresses).empty());  // the size of the buffer
        for (const int group : {6, 7, 8, 9})
            CHECK(test::refused_attempt(Call::Setsockopt, group, addresses) == "listen to rtnetlink notifications");
        const auto routes = [] { return RoutingTables::open(); };
        CHECK(test::refused_attempt(Call::Socket, 0, routes) == "routing: open a netlink socket");
        CHECK(test::refused_attempt(Call::Socket, 1, routes) == "open the routing notification socket");
        CHECK(test::refused_attempt(Call::Bind, 1, routes) == "bind the routing notification socket");
        CHECK(test::refused_attempt(Call::Setsockopt, 5, routes) == "filter the routing notifications");
        for (const int group : {7, 8, 9, 10})
            CHECK(test::refused_attempt(Call::Setsockopt, group, routes) == "listen to routing notifications");
        if (netlink::has_nftables())
            CHECK(test::refused_attempt(Call::Socket, 0, [] { return Nftables::open(); }) ==
                  "nftables: open a netlink socket");
    });
}

TEST_CASE("a buffer that may not be forced to its size is asked for as anybody may") {
    const UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const Refused refused{Call::Setsockopt, EPERM};
    CHECK(size_receive_buffer(fd.get(), 50'000) == 100'000);
    CHECK(refused.met());
}

TEST_CASE("a request to netlink is sent again after a signal" * mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        auto links = LinkMaker::open().value();
        const auto up = [&] { return links.set({.index = 1, .up = true}); };
        {
            const Refused interrupted{Call::Sendmsg, EINTR};
            CHECK(up().has_value());
            CHECK(interrupted.met());
        }
        CHECK(test::refused_attempt(Call::Sendmsg, 0, up) == "change interface 1: send to netlink");
        const Refused nothing{Call::Sendmsg, 0};
        CHECK(up().error().text() == "change interface 1: netlink took only part of a batch");
    });
}

TEST_CASE("a kernel without IPv6 generates no address, and a link is changed there all the same" *
          mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        auto links = LinkMaker::open().value();
        {
            const Refused without_ipv6{Call::Sendmsg, EAFNOSUPPORT};
            CHECK(links.set({.index = 1, .up = true, .no_generated_address = true}).has_value());
            CHECK(without_ipv6.met());
        }
        CHECK(test::ip("link show dev lo | grep -q '[<,]UP'"));
        const Refused other{Call::Sendmsg, EAFNOSUPPORT};  // what is refused for another reason
        CHECK(links.set({.index = 1, .up = false}).error().sys_errno() == EAFNOSUPPORT);
    });
}

TEST_CASE("a setting of an interface that rtnetlink refuses is written to its file, and both refusals are said" *
          mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        const std::string name = "net/ipv4/conf/lo/arp_announce";
        {
            const Refused refused{Call::Sendmsg, EPERM};
            CHECK(write_sysctl(name, "2").has_value());
            CHECK(refused.met());
            CHECK(read_sysctl(name) == "2");
        }
        test::make_proc_sys_read_only();
        const Refused refused{Call::Sendmsg, EPERM};
        CHECK(write_sysctl(name, "1").error().text() ==
              "change interface 1: send to netlink: Operation not permitted; then: write "
              "/proc/sys/net/ipv4/conf/lo/arp_announce: Read-only file system");
    });
}
