// Requests to the kernel and its answers, in a network namespace of the test's own.
#include "mainstay/kernel/netlink_socket.hpp"
#include "../needs.hpp"

#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "mainstay/kernel/ipvs.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/netlink/routing.hpp"
#include "mainstay/netlink/rtnetlink.hpp"
#include "own_network.hpp"
#include "table_rule.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::in_own_network;
using mainstay::test::join_two_interfaces;
using mainstay::test::rule;

namespace {

NetlinkSocket open_route() { return NetlinkSocket::open(NETLINK_ROUTE).value(); }

std::vector<std::byte> rules(std::uint32_t first_sequence, std::uint32_t count, std::uint32_t priority = 1000) {
    std::vector<std::byte> bytes;
    for (std::uint32_t i = 0; i < count; ++i)
        REQUIRE(netlink::append_rule_add(bytes, rule(priority + i), first_sequence + i).has_value());
    return bytes;
}

// A request for one link, to which the kernel answers with a message or a refusal.
std::vector<std::byte> link_query(std::uint32_t index, std::uint32_t sequence) {
    struct {
        nlmsghdr header;
        ifinfomsg body;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_GETLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.header.nlmsg_seq = sequence;
    request.body.ifi_index = static_cast<int>(index);
    const auto bytes = std::as_bytes(std::span{&request, 1});
    return {bytes.begin(), bytes.end()};
}

std::uint32_t port_of(int fd) {
    sockaddr_nl local{};
    socklen_t length = sizeof local;
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length) == 0);
    return local.nl_pid;
}

// What another process might send to a socket: "request `sequence` was refused".
void send_forged_refusal(int to, std::uint32_t sequence) {
    struct {
        nlmsghdr header;
        nlmsgerr body;
    } answer{};
    answer.header = {sizeof answer, NLMSG_ERROR, 0, sequence, 0};
    answer.body.error = -EPERM;
    answer.body.msg = {sizeof(nlmsghdr), 0, 0, sequence, 0};
    auto other = open_route();
    sockaddr_nl target{};
    target.nl_family = AF_NETLINK;
    target.nl_pid = port_of(to);
    REQUIRE(::sendto(other.fd(), &answer, sizeof answer, 0, reinterpret_cast<const sockaddr*>(&target),
                     sizeof target) == static_cast<ssize_t>(sizeof answer));
}

const auto kIgnore = [](const netlink::Message&) { return Result<void>{}; };

}  // namespace

TEST_CASE("sequence numbers are one row, leave out 0, and a row never wraps") {
    auto socket = open_route();
    CHECK(socket.take_sequences(3) == 1);
    CHECK(socket.take_sequences(1) == 4);
    CHECK(socket.take_sequences(UINT32_MAX - 7) == 5);
    CHECK(socket.take_sequences(1) == UINT32_MAX - 2);
    CHECK(socket.take_sequences(2) == 1);
    CHECK(socket.take_sequences(UINT32_MAX - 4) == 3);
    CHECK(socket.take_sequences(1) == UINT32_MAX - 1);
    CHECK(socket.take_sequences(1) == 1);
}

TEST_CASE("each request of a batch has its own answer, in order, and one system call sends them all" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto socket = open_route();
        const auto first = socket.take_sequences(5);
        auto bytes = rules(first, 3);
        REQUIRE(netlink::append_rule_add(bytes, rule(1001), first + 3).has_value());
        REQUIRE(netlink::append_rule_add(bytes, rule(1003), first + 4).has_value());
        std::vector<std::pair<std::size_t, int>> answers;
        bool before_answers = false;
        const auto done = socket.exchange(
            bytes, first, 5,
            [&](std::size_t index, const netlink::Acknowledgement& answer) {
                answers.emplace_back(index, answer.sys_errno);
            },
            [&] { before_answers = answers.empty(); });
        REQUIRE(done.has_value());
        CHECK(before_answers);
        CHECK(answers == std::vector<std::pair<std::size_t, int>>{{0, 0}, {1, 0}, {2, 0}, {3, EEXIST}, {4, 0}});
        CHECK(socket.sendmsg_total() == 1);
    });
}

TEST_CASE("no requests are no exchange") {
    auto socket = open_route();
    bool called = false;
    const auto note = [&](std::size_t, const netlink::Acknowledgement&) { called = true; };
    CHECK(socket.exchange({}, 1, 0, note, [&] { called = true; }).has_value());
    CHECK(socket.exchange_quietly({}, 1, 0, note).has_value());
    CHECK(socket.sendmsg_total() == 0);
    CHECK_FALSE(called);
}

TEST_CASE("where the last alone asks for an acknowledgement, refusals of the others are reported all the same" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto socket = open_route();
        const auto first = socket.take_sequences(3);
        std::vector<std::byte> bytes;
        for (std::uint32_t i = 0; i < 3; ++i) {
            const std::size_t at = bytes.size();
            REQUIRE(netlink::append_rule_add(bytes, rule(i == 1 ? 1000 : 1000 + i), first + i).has_value());
            auto* header = reinterpret_cast<nlmsghdr*>(bytes.data() + at);
            if (i != 2) header->nlmsg_flags &= static_cast<std::uint16_t>(~NLM_F_ACK);
        }
        std::vector<std::pair<std::size_t, int>> answers;
        REQUIRE(socket
                    .exchange_quietly(bytes, first, 3,
                                      [&](std::size_t index, const netlink::Acknowledgement& answer) {
                                          answers.emplace_back(index, answer.sys_errno);
                                      })
                    .has_value());
        CHECK(answers == std::vector<std::pair<std::size_t, int>>{{1, EEXIST}, {2, 0}});
    });
}

TEST_CASE("a question is answered by one message or refused with the kernel's errno" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto socket = open_route();
        std::size_t messages = 0;
        auto sequence = socket.take_sequences(1);
        REQUIRE(socket
                    .query(link_query(1, sequence), sequence,
                           [&](const netlink::Message& message) -> Result<void> {
                               ++messages;
                               CHECK(message.type == RTM_NEWLINK);
                               return {};
                           })
                    .has_value());
        CHECK(messages == 1);
        sequence = socket.take_sequences(1);
        const auto refused = socket.query(link_query(4711, sequence), sequence, kIgnore);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().sys_errno() == ENODEV);
        CHECK(refused.error().text().starts_with("netlink request"));
        sequence = socket.take_sequences(1);
        const auto own = socket.query(link_query(1, sequence), sequence,
                                      [](const netlink::Message&) { return Result<void>{fail(Errc::Invalid, "odd")}; });
        REQUIRE_FALSE(own.has_value());
        CHECK(own.error().text() == "odd");
    });
}

TEST_CASE("what another process sends to the socket is no answer" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto socket = open_route();
        auto sequence = socket.take_sequences(1);
        send_forged_refusal(socket.fd(), sequence);
        CHECK(socket.query(link_query(1, sequence), sequence, kIgnore).has_value());
        sequence = socket.take_sequences(1);
        send_forged_refusal(socket.fd(), sequence);
        int sys_errno = -1;
        REQUIRE(socket
                    .exchange(rules(sequence, 1), sequence, 1,
                              [&](std::size_t, const netlink::Acknowledgement& a) { sys_errno = a.sys_errno; })
                    .has_value());
        CHECK(sys_errno == 0);
    });
}

TEST_CASE("answers to earlier requests are passed over" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto socket = open_route();
        // Sent past the socket's back, so that its answer waits when the next question is asked.
        const auto earlier = rules(socket.take_sequences(1), 1);
        REQUIRE(::send(socket.fd(), earlier.data(), earlier.size(), 0) > 0);
        auto sequence = socket.take_sequences(1);
        std::uint32_t answered = 0;
        REQUIRE(socket
                    .query(link_query(1, sequence), sequence,
                           [&](const netlink::Message& message) -> Result<void> {
                               answered = message.sequence;
                               return {};
                           })
                    .has_value());
        CHECK(answered == sequence);
        const auto again = rules(socket.take_sequences(1), 1);
        REQUIRE(::send(socket.fd(), again.data(), again.size(), 0) > 0);
        std::size_t links = 0;
        REQUIRE(socket
                    .dump(
                        netlink::append_link_dump, [] {},
                        [&](const netlink::Message&) {
                            ++links;
                            return Result<void>{};
                        })
                    .has_value());
        CHECK(links == 1);
        REQUIRE(::send(socket.fd(), again.data(), again.size(), 0) > 0);
        sequence = socket.take_sequences(1);
        std::vector<int> answers;
        REQUIRE(socket
                    .exchange(rules(sequence, 1, 2000), sequence, 1,
                              [&](std::size_t, const netlink::Acknowledgement& a) { answers.push_back(a.sys_errno); })
                    .has_value());
        CHECK(answers == std::vector<int>{0});
    });
}

TEST_CASE("a dump begins once, hands over each message, and after a failure the next one works" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto socket = open_route();
        std::size_t starts = 0, links = 0;
        const auto begin = [&] { ++starts, links = 0; };
        const auto count = [&](const netlink::Message& message) -> Result<void> {
            CHECK(message.type == RTM_NEWLINK);
            ++links;
            return {};
        };
        REQUIRE(socket.dump(netlink::append_link_dump, begin, count).has_value());
        CHECK(starts == 1);
        CHECK(links == 3);
        const auto failed = socket.dump(netlink::append_link_dump, begin, [](const netlink::Message&) {
            return Result<void>{fail(Errc::Invalid, "odd")};
        });
        REQUIRE_FALSE(failed.has_value());
        CHECK(failed.error().text() == "odd");
        REQUIRE(socket.dump(netlink::append_link_dump, begin, count).has_value());
        CHECK(links == 3);
        CHECK(starts == 3);
        // A kind of dump that no kernel knows.
        const auto unknown = socket.dump(
            [](std::vector<std::byte>& out, std::uint32_t sequence) {
                netlink::append_link_dump(out, sequence);
                reinterpret_cast<nlmsghdr*>(out.data())->nlmsg_type = RTM_GETLINK + 4 * 200;
            },
            [] {}, kIgnore);
        REQUIRE_FALSE(unknown.has_value());
        CHECK(unknown.error().sys_errno() == EOPNOTSUPP);
        CHECK(unknown.error().text().starts_with("netlink dump"));
    });
}

TEST_CASE("answers that were lost are an error, and late ones do not disturb what follows" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        auto socket = open_route();
        (void)size_receive_buffer(socket.fd(), 2048);
        auto first = socket.take_sequences(300);
        std::size_t answers = 0;
        const auto lost = socket.exchange(rules(first, 300), first, 300,
                                          [&](std::size_t, const netlink::Acknowledgement&) { ++answers; });
        REQUIRE_FALSE(lost.has_value());
        CHECK(lost.error().sys_errno() == ENOBUFS);
        CHECK(lost.error().text().starts_with("netlink answers were lost (receive buffer full)"));
        CHECK(answers < 300);
        (void)size_receive_buffer(socket.fd(), 1 << 20);
        first = socket.take_sequences(1);
        REQUIRE(socket
                    .exchange(rules(first, 1, 5000), first, 1,
                              [&](std::size_t, const netlink::Acknowledgement& a) { CHECK(a.sys_errno == 0); })
                    .has_value());
    });
}

TEST_CASE("a batch is no larger than the buffer can hold answers for, and the buffer is as large as is asked for") {
    const auto socket = open_route();
    CHECK(socket.batch_limit() >= 1);
    if (::getuid() == 0) CHECK(socket.batch_limit() == 2 * 2 * 1024 * 1024 / 4096);
    CHECK(size_receive_buffer(socket.fd(), 50'000) == 100'000);
    CHECK(size_receive_buffer(-1, 50'000) == 0);
}

TEST_CASE("a socket that was opened elsewhere keeps its port, a fresh one gets one") {
    UniqueFd bound{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
    sockaddr_nl local{};
    local.nl_family = AF_NETLINK;
    REQUIRE(::bind(bound.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0);
    const auto port = port_of(bound.get());
    CHECK(port != 0);
    CHECK(port_of(NetlinkSocket::from(std::move(bound)).value().fd()) == port);
    UniqueFd fresh{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
    CHECK(port_of(NetlinkSocket::from(std::move(fresh)).value().fd()) != 0);
    CHECK(NetlinkSocket::open(4711).error().text().starts_with("open a netlink socket"));
    CHECK_FALSE(NetlinkSocket::from(UniqueFd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)}).has_value());
}

TEST_CASE("a kernel without IPVS is reported as such, with what to do, and the socket that was handed over stays open" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        const auto opened = IpvsSocket::open();
        if (opened) {
            MESSAGE("this kernel has IPVS");
            return;
        }
        CHECK(opened.error().code() == Errc::Unsupported);
        CHECK(opened.error().text().find("load its module with `modprobe ip_vs`") != std::string::npos);
        auto handed_over = NetlinkSocket::open(NETLINK_GENERIC).value();
        CHECK(IpvsSocket::open(handed_over.fd()).error().code() == Errc::Unsupported);
        CHECK(port_of(handed_over.fd()) != 0);
    });
}
