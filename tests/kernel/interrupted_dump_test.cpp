// Lists that change while the kernel writes them: it marks them, and they are read again from the beginning.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/kernel/netlink_socket.hpp"
#include "mainstay/kernel/nftables.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "own_network.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::in_own_network;
using mainstay::test::join_two_interfaces;

namespace {

thread_local int spared = 0;         // so many of this thread's next lists are left as they are,
thread_local int interruptions = 0;  // and so many after them are marked as interrupted
thread_local int failure = 0;        // errno of this thread's next call

void mark(std::byte* bytes, std::size_t size) {
    nlmsghdr header{};
    for (std::size_t at = 0; at + sizeof header <= size; at += NLMSG_ALIGN(header.nlmsg_len)) {
        std::memcpy(&header, bytes + at, sizeof header);
        if ((header.nlmsg_flags & NLM_F_MULTI) == 0 || interruptions == 0) return;
        int& left = spared > 0 ? spared : interruptions;
        if (spared == 0) header.nlmsg_flags |= NLM_F_DUMP_INTR;
        std::memcpy(bytes + at, &header, sizeof header);
        if (header.nlmsg_type == NLMSG_DONE) --left;
    }
}

}  // namespace

// In place of the C library's, for all that is linked into the test program.
extern "C" ssize_t recvmsg(int fd, msghdr* message, int flags) {
    static auto* const real = reinterpret_cast<ssize_t (*)(int, msghdr*, int)>(::dlsym(RTLD_NEXT, "recvmsg"));
    if (failure != 0) {
        errno = std::exchange(failure, 0);
        return -1;
    }
    const ssize_t got = real(fd, message, flags);
    if (got > 0 && interruptions > 0)
        mark(static_cast<std::byte*>(message->msg_iov->iov_base),
             std::min(static_cast<std::size_t>(got), message->msg_iov->iov_len));
    return got;
}

TEST_CASE("of a list that was interrupted nothing is kept: links, addresses, who forwards") {
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

TEST_CASE("a list that is interrupted each time is given up after twenty times") {
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

TEST_CASE("rules and elements of a table are counted from the beginning again") {
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
            spared = 1;  // the rules
            interruptions = times;
            CHECK(tables->looks_like(filter).value());
            CHECK(interruptions == 0);
        }
        interruptions = 0;
    });
}

TEST_CASE("notifications are read through an interruption, and not passed over after one") {
    in_own_network([] {
        join_two_interfaces();
        auto netlink = Rtnetlink::open().value();
        const auto lo = interface_index("lo");
        const auto told_of_one = [&](const char* address, int interrupted, int earlier) {
            (void)netlink.read_notifications();
            REQUIRE(mainstay::test::ip(std::string{"address add "} + address + "/32 dev lo"));
            failure = interrupted;
            errno = earlier;
            const auto told = netlink.read_notifications();
            return told && told->size() == 1 && std::get<AddressAdded>(told->at(0)).address.interface_index == lo;
        };
        CHECK(told_of_one("10.0.0.1", 0, 0));
        CHECK(told_of_one("10.0.0.2", EINTR, 0));
        CHECK(told_of_one("10.0.0.3", 0, EINTR));
        failure = EIO;
        const auto refused = netlink.read_notifications();
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().text().starts_with("read rtnetlink notifications"));
        CHECK(refused.error().sys_errno() == EIO);
    });
}

TEST_CASE("a list that cannot be read says which one it is") {
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
