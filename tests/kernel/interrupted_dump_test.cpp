// Lists that change while the kernel writes them: it marks them, and they are read again from the beginning.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "../needs.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/kernel/netlink_socket.hpp"
#include "mainstay/kernel/nftables.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/netlink/rtnetlink.hpp"
#include "own_network.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::in_own_network;
using mainstay::test::join_two_interfaces;

namespace {

thread_local int spared_lists = 0;   // so many of this thread's next lists are left as they are,
thread_local int interruptions = 0;  // and so many after them are marked as interrupted
thread_local int failure = 0;        // errno of this thread's next call
// What becomes of this thread's next datagram of which it is to become something.
thread_local std::function<bool(msghdr&, std::span<std::byte>)> damage;

void mark(std::byte* bytes, std::size_t size) {
    nlmsghdr header{};
    for (std::size_t at = 0; at + sizeof header <= size; at += NLMSG_ALIGN(header.nlmsg_len)) {
        std::memcpy(&header, bytes + at, sizeof header);
        if ((header.nlmsg_flags & NLM_F_MULTI) == 0 || interruptions == 0) return;
        int& left = spared_lists > 0 ? spared_lists : interruptions;
        if (spared_lists == 0) header.nlmsg_flags |= NLM_F_DUMP_INTR;
        std::memcpy(bytes + at, &header, sizeof header);
        if (header.nlmsg_type == NLMSG_DONE) --left;
    }
}

// Changes the header of the first message of the type, or of any type.
auto header_with(int type, const std::function<void(nlmsghdr&)>& change) {
    return [type, change](msghdr&, std::span<std::byte> bytes) {
        nlmsghdr header{};
        for (std::size_t at = 0; at + sizeof header <= bytes.size(); at += NLMSG_ALIGN(header.nlmsg_len)) {
            std::memcpy(&header, bytes.data() + at, sizeof header);
            if (type != 0 && header.nlmsg_type != type) continue;
            change(header);
            std::memcpy(bytes.data() + at, &header, sizeof header);
            return true;
        }
        return false;
    };
}

// Cuts the message to its header and two bytes; then it is none.
const auto kCut = [](nlmsghdr& header) { header.nlmsg_len = sizeof header + 2; };
const auto kNone = [](nlmsghdr& header) { header.nlmsg_len = 3; };

}  // namespace

// In place of the C library's, for all that is linked into the test program.
extern "C" ssize_t recvmsg(int fd, msghdr* message, int flags) {
    static auto* const real = reinterpret_cast<ssize_t (*)(int, msghdr*, int)>(::dlsym(RTLD_NEXT, "recvmsg"));
    if (failure != 0) {
        errno = std::exchange(failure, 0);
        return -1;
    }
    const ssize_t got = real(fd, message, flags);
    if (got <= 0) return got;
    const std::span bytes{static_cast<std::byte*>(message->msg_iov->iov_base),
                          std::min(static_cast<std::size_t>(got), message->msg_iov->iov_len)};
    if (interruptions > 0) mark(bytes.data(), bytes.size());
    if (damage && damage(*message, bytes)) damage = nullptr;
    return got;
}

TEST_CASE("of a list that was interrupted nothing is kept: links, addresses, who forwards" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        const auto links = netlink.links().value().size();
        const auto addresses = netlink.addresses().value().size();
        const auto forwarding = netlink.forwarding().value().size();
        CHECK(links == 3);
        for (const int times : {1, 3}) {
            CAPTURE(times);
            interruptions = times;
            CHECK(netlink.links().value().size() == links);
            CHECK(interruptions == 0);
            interruptions = times;
            CHECK(netlink.addresses().value().size() == addresses);
            interruptions = times;
            CHECK(netlink.forwarding().value().size() == forwarding);
            CHECK(interruptions == 0);
        }
    });
}

TEST_CASE("a list that is interrupted each time is given up after twenty times" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto netlink = Rtnetlink::open().value();
        interruptions = 19;
        CHECK(netlink.links().has_value());
        interruptions = 21;
        const auto links = netlink.links();
        CHECK(interruptions == 1);
        interruptions = 0;
        REQUIRE_FALSE(links.has_value());
        CHECK(links.error().text().find("netlink dump interrupted by changes 20 times") != std::string::npos);
        CHECK(links.error().code() == Errc::Limit);
    });
}

TEST_CASE("rules and elements of a table are counted from the beginning again" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto tables = Nftables::open();
        if (!tables) {
            MESSAGE("no nftables here: ", tables.error().text());
            return;
        }
        netlink::VipFilter filter;
        filter.filters = true;
        filter.addresses = {IpAddress::parse("10.0.0.1").value(), IpAddress::parse("10.0.0.2").value()};
        auto batch = tables->begin();
        netlink::append_filter(batch, filter);
        REQUIRE(tables->commit(batch).has_value());
        for (int times = 1; times < 4; ++times) {
            interruptions = times;
            CHECK(tables->looks_like(filter).value());
            spared_lists = 1;  // the rules
            interruptions = times;
            CHECK(tables->looks_like(filter).value());
            CHECK(interruptions == 0);
        }
        interruptions = 0;
    });
}

TEST_CASE("notifications are read through an interruption, and not passed over after one" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        const auto lo = interface_index("lo");
        const auto reported_of_one = [&](const char* address, int interrupted, int earlier) {
            (void)netlink.read_notifications();
            REQUIRE(mainstay::test::ip(std::string{"address add "} + address + "/32 dev lo"));
            failure = interrupted;
            errno = earlier;
            const auto told = netlink.read_notifications();
            return told && told->size() == 1 && std::get<AddressAdded>(told->at(0)).address.interface_index == lo;
        };
        CHECK(reported_of_one("10.0.0.1", 0, 0));
        CHECK(reported_of_one("10.0.0.2", EINTR, 0));
        CHECK(reported_of_one("10.0.0.3", 0, EINTR));
        failure = EIO;
        const auto refused = netlink.read_notifications();
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().text().starts_with("read rtnetlink notifications"));
        CHECK(refused.error().sys_errno() == EIO);
    });
}

TEST_CASE("a list that cannot be read says which one it is" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto netlink = Rtnetlink::open().value();
        const auto text = [](const auto& list) { return list ? std::string{} : list.error().text(); };
        failure = EIO;
        CHECK(text(netlink.links()).find("list the interfaces") != std::string::npos);
        failure = EIO;
        CHECK(text(netlink.addresses()).find("list the addresses") != std::string::npos);
        failure = EIO;
        CHECK(text(netlink.forwarding()).find("list the settings of IPv6") != std::string::npos);
        CHECK(netlink.links().has_value());
    });
}

TEST_CASE("a list with a message that cannot be read is no list, and the next one is whole" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        const auto text = [](const auto& list) { return list ? std::string{} : list.error().text(); };
        for (const auto& [type, change] :
             std::vector<std::pair<int, std::function<void(nlmsghdr&)>>>{{0, kCut}, {0, kNone}, {NLMSG_DONE, kNone}}) {
            CAPTURE(type);
            damage = header_with(type, change);
            CHECK(text(netlink.links()).starts_with("list the interfaces: "));
            damage = header_with(type, change);
            CHECK(text(netlink.addresses()).starts_with("list the addresses: "));
            damage = header_with(type, change);
            CHECK(text(netlink.forwarding()).starts_with("list the settings of IPv6: "));
            damage = nullptr;
            CHECK(netlink.links().value().size() == 3);
        }
    });
}

TEST_CASE("a datagram that does not fit is no answer, and one that is not the kernel's is passed over" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto netlink = Rtnetlink::open().value();
        damage = [](msghdr& message, std::span<std::byte>) { return message.msg_flags |= MSG_TRUNC, true; };
        const auto cut = netlink.links();
        REQUIRE_FALSE(cut.has_value());
        CHECK(cut.error().text() == "list the interfaces: netlink answer longer than the buffer");
        CHECK(netlink.links().value().size() == 1);
    });
}

TEST_CASE("an answer that cannot be read is an error of the request" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto links = LinkMaker::open().value();
        for (const auto& change : std::vector<std::function<void(nlmsghdr&)>>{kCut, kNone}) {
            damage = header_with(0, change);
            const auto done = links.set({.index = 1, .up = true});
            REQUIRE_FALSE(done.has_value());
            CHECK(done.error().text().starts_with("change interface 1: "));
            CHECK(done.error().sys_errno() == 0);
            auto socket = NetlinkSocket::open(NETLINK_ROUTE).value();
            damage = header_with(0, change);
            const auto listed = socket.dump(
                [](std::vector<std::byte>& out, std::uint32_t sequence) {
                    netlink::append_link_dump(out, sequence);
                    reinterpret_cast<nlmsghdr*>(out.data())->nlmsg_type = 1000;  // the kernel refuses it
                },
                [] {}, [](const netlink::Message&) { return Result<void>{}; });
            REQUIRE_FALSE(listed.has_value());
            CHECK(listed.error().sys_errno() == 0);
        }
        CHECK(links.set({.index = 1, .up = true}).has_value());
    });
}

TEST_CASE("an answer that does not come, or comes after a signal, is reported by what happened to it" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto netlink = Rtnetlink::open().value();
        failure = EINTR;
        CHECK(netlink.links().value().size() == 1);
        failure = EAGAIN;
        CHECK(netlink.links().error().text() == "list the interfaces: no netlink answer in 5 s");
        failure = EAGAIN;
        CHECK(netlink.links().error().code() == Errc::Timeout);
        failure = ENOBUFS;
        CHECK(netlink.links().error().text().starts_with(
            "list the interfaces: netlink answers were lost (receive buffer full)"));
        failure = ENOBUFS;
        CHECK(netlink.links().error().code() == Errc::Io);
        failure = ENOMEM;
        CHECK(netlink.links().error().text().starts_with("list the interfaces: receive from netlink: "));
        CHECK(netlink.links().value().size() == 1);
        auto links = LinkMaker::open().value();
        failure = ENOMEM;
        CHECK(links.set({.index = 1, .up = true})
                  .error()
                  .text()
                  .starts_with("change interface 1: receive from netlink: "));
        CHECK(links.set({.index = 1, .up = true}).has_value());
    });
}

TEST_CASE("a notification that does not fit or cannot be read counts as lost" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto netlink = Rtnetlink::open().value();
        const auto reported_of_one = [&](const std::string& address) {
            (void)netlink.read_notifications();
            REQUIRE(mainstay::test::ip("address add " + address + "/32 dev lo"));
            const auto told = netlink.read_notifications().value();
            REQUIRE(told.size() == 1);
            return std::holds_alternative<NotificationsLost>(told[0]);
        };
        CHECK_FALSE(reported_of_one("10.0.0.1"));
        damage = [](msghdr& message, std::span<std::byte>) { return message.msg_flags |= MSG_TRUNC, true; };
        CHECK(reported_of_one("10.0.0.2"));
        damage = header_with(0, kNone);
        CHECK(reported_of_one("10.0.0.3"));
        damage = header_with(0, kCut);
        CHECK(reported_of_one("10.0.0.4"));
        failure = ENOBUFS;
        CHECK_FALSE(damage);
        const auto lost = netlink.read_notifications().value();
        REQUIRE(lost.size() == 1);
        CHECK(std::holds_alternative<NotificationsLost>(lost[0]));
    });
}

TEST_CASE("a list with a message whose attributes are cut off is no list" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        // Behind the header of the message, `body` bytes of its own, then the attributes: the first one has no length.
        const auto cut_behind = [](std::size_t body) {
            return [body](msghdr&, std::span<std::byte> bytes) {
                bytes[sizeof(nlmsghdr) + body] = std::byte{1};
                bytes[sizeof(nlmsghdr) + body + 1] = std::byte{0};
                return true;
            };
        };
        const auto text = [](const auto& list) { return list ? std::string{} : list.error().text(); };
        damage = cut_behind(16);
        CHECK(text(netlink.links()).starts_with("list the interfaces: "));
        damage = cut_behind(8);
        CHECK(text(netlink.addresses()).starts_with("list the addresses: "));
        damage = cut_behind(4);
        CHECK(text(netlink.forwarding()).starts_with("list the settings of IPv6: "));
    });
}

TEST_CASE("a refusal of a question that cannot be read is an error of its own" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto socket = NetlinkSocket::open(NETLINK_ROUTE).value();
        const auto sequence = socket.take_sequences(1);
        std::vector<std::byte> question;
        netlink::append_link_dump(question, sequence);
        reinterpret_cast<nlmsghdr*>(question.data())->nlmsg_flags = NLM_F_REQUEST;  // of which link? it is refused
        damage = header_with(0, kCut);
        const auto asked = socket.query(question, sequence, [](const netlink::Message&) { return Result<void>{}; });
        CHECK_FALSE(damage);
        REQUIRE_FALSE(asked.has_value());
        CHECK(asked.error().sys_errno() == 0);
    });
}
