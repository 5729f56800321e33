// PING_CHECK against a host in the test, which answers as no kernel would.
#include "probe/checks.hpp"

#include <doctest/doctest.h>

#include "checks.hpp"
#include "kernel_calls.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

namespace {

constexpr bool kV4 = false, kV6 = true;

config::Checker ping(bool v6) {
    return checker_of(config::Checker::Type::Ping, {IpAddress::parse(v6 ? "2001:db8::1" : "192.0.2.1").value(), 80});
}

// The reply to a request; its checksum is the kernel's to look at.
std::string reply_to(const std::string& request, bool v6 = kV4) {
    std::string reply = request;
    reply[0] = static_cast<char>(v6 ? 129 : 0);
    return reply;
}
std::string with(std::string text, std::size_t at, int value) {
    text[at] = static_cast<char>(value);
    return text;
}
// As a raw IPv4 socket receives it.
std::string in_ip(const std::string& message, std::size_t words = 5) {
    const std::size_t size = 4 * words + message.size();
    std::string header(4 * words, '\0');
    header[0] = static_cast<char>(0x40 | words);
    header[2] = static_cast<char>(size >> 8);
    header[3] = static_cast<char>(size & 0xff);
    return header + message;
}

using Answer = DatagramServer::Answer;
Finding ping_answered(bool v6, bool raw, Answer answer, std::size_t* received = nullptr) {
    DatagramServer host{std::move(answer)};
    KernelCalls calls;
    calls.icmp = host.endpoint();
    calls.only_raw = raw;
    Finding finding = run(ping(v6));
    CHECK(calls.was_raw == raw);
    CHECK(calls.was_v6 == v6);
    if (received != nullptr) *received = calls.received;
    return finding;
}
Answer with_one(const std::function<std::string(const std::string&)>& made) {
    return [made](const std::string& request) { return std::vector{made(request)}; };
}

Finding failing(const std::function<void(KernelCalls&)>& change, bool v6 = kV4) {
    DatagramServer host{with_one([v6](const std::string& request) { return reply_to(request, v6); })};
    KernelCalls calls;
    calls.icmp = host.endpoint();
    change(calls);
    return run(ping(v6));
}

// How many of these are passed over before the reply that follows them.
std::size_t passed_over(bool v6, bool raw, const Answer& strays) {
    std::size_t received = 0;
    const Finding finding = ping_answered(
        v6, raw,
        [&](const std::string& request) {
            auto all = strays(request);
            all.push_back(raw && !v6 ? in_ip(reply_to(request)) : reply_to(request, v6));
            return all;
        },
        &received);
    CHECK(finding.outcome == Outcome::Passed);
    return received - 1;
}

}  // namespace

TEST_CASE("an echo reply passes the check, over IPv4 and IPv6, with and without the right to a plain ICMP socket") {
    for (const bool raw : {false, true}) {
        CAPTURE(raw);
        const auto four = ping_answered(kV4, raw, with_one([raw](const std::string& request) {
                                            return raw ? in_ip(reply_to(request)) : reply_to(request);
                                        }));
        CHECK(four.outcome == Outcome::Passed);
        CHECK(four.reason == "answered");
        CHECK(ping_answered(kV6, raw, with_one([](const std::string& request) { return reply_to(request, kV6); }))
                  .outcome == Outcome::Passed);
    }
    // With as many options as an IPv4 header may have, and with a payload that is longer or not there.
    CHECK(ping_answered(kV4, true, with_one([](const std::string& request) { return in_ip(reply_to(request), 15); }))
              .outcome == Outcome::Passed);
    CHECK(ping_answered(kV4, true,
                        with_one([](const std::string& request) { return in_ip(reply_to(request).substr(0, 8)); }))
              .outcome == Outcome::Passed);
    CHECK(ping_answered(kV4, false,
                        with_one([](const std::string& request) { return reply_to(request) + std::string(1000, 'x'); }))
              .outcome == Outcome::Passed);
}

TEST_CASE("an echo request has the sequence number 1, a payload of 128 bytes, and over IPv4 its checksum") {
    for (const bool v6 : {kV4, kV6}) {
        CAPTURE(v6);
        DatagramServer host{with_one([v6](const std::string& request) { return reply_to(request, v6); })};
        KernelCalls calls;
        calls.icmp = host.endpoint();
        auto what = ping(v6);
        what.target.address = IpAddress::parse(v6 ? "::1" : "127.0.0.1").value();
        const std::uint16_t chosen =
            DatagramServer{with_one([](const std::string& came) { return came; })}.endpoint().port;
        if (!v6) what.bind = std::optional{Endpoint{IpAddress::parse("127.0.0.1").value(), chosen}};
        CHECK(run(what).outcome == Outcome::Passed);
        REQUIRE(host.heard().size() == 1);
        const std::string& request = host.heard()[0];
        REQUIRE(request.size() == 136);
        CHECK(request.substr(0, 2) == std::string{v6 ? "\x80" : "\x08", 1} + std::string(1, '\0'));
        CHECK(request.substr(6, 4) == std::string{"\x00\x01\x08\x09", 4});
        CHECK(request.substr(134) == "\x86\x87");
        unsigned sum = 0;
        for (std::size_t i = 0; i < request.size(); i += 2)
            sum += static_cast<unsigned char>(request[i]) * 256U + static_cast<unsigned char>(request[i + 1]);
        if (v6) {
            CHECK(request.substr(2, 2) == std::string(2, '\0'));
            continue;
        }
        CHECK((sum & 0xffff) + (sum >> 16) == 0xffff);
        // bind_port is the identifier.
        CHECK(static_cast<unsigned char>(request[4]) * 256U + static_cast<unsigned char>(request[5]) == chosen);
    }
}

TEST_CASE("what is no reply to this request is passed over: other kinds, other numbers, too few bytes") {
    // effect: virtual_server/real_server/PING_CHECK: connect_timeout
    const auto strays = [](const std::string& r) {
        const std::string good = reply_to(r);
        return std::vector{in_ip(with(good, 0, 8)),
                           in_ip(with(good, 0, 129)),
                           in_ip(with(good, 4, good[4] + 1)),
                           in_ip(with(good, 5, good[5] + 1)),
                           in_ip(with(good, 6, 1)),
                           in_ip(with(good, 7, 2)),
                           in_ip(good.substr(0, 7)),
                           in_ip("", 5),
                           in_ip(good).substr(0, 19),
                           with(in_ip(good), 0, 0x46),
                           std::string{}};
    };
    CHECK(passed_over(kV4, true, strays) == 11);
    DatagramServer silent{[](const std::string&) { return std::vector<std::string>{}; }};
    KernelCalls calls;
    calls.icmp = silent.endpoint();
    const Finding late = run(ping(kV4), in_time(61s));
    CHECK(late.outcome == Outcome::TimedOut);
    CHECK(late.reason == "timed out after 60 s");
    // The identifier of a datagram socket is the kernel's to look at.
    CHECK(ping_answered(kV4, false, with_one([](const std::string& request) {
                            return with(reply_to(request), 4, reply_to(request)[4] + 1);
                        }))
              .outcome == Outcome::Passed);
    const auto of_the_other_family = [](bool v6) {
        return [v6](const std::string& request) {
            return std::vector{reply_to(request, !v6), with(reply_to(request, v6), 6, 1),
                               with(reply_to(request, v6), 7, 0), reply_to(request, v6).substr(0, 7)};
        };
    };
    CHECK(passed_over(kV4, false, of_the_other_family(kV4)) == 4);
    CHECK(passed_over(kV6, false, of_the_other_family(kV6)) == 4);
    CHECK(passed_over(kV6, true, of_the_other_family(kV6)) == 4);
}

TEST_CASE("a host that may not send echoes, or has no room for one, says nothing about the server") {
    const auto refused = failing([](KernelCalls& calls) { calls.icmp_error = EACCES; });
    CHECK(refused.outcome == Outcome::NotRun);
    CHECK(refused.reason == "socket: Permission denied");
    const auto full = failing([](KernelCalls& calls) { calls.icmp_error = EMFILE; });
    CHECK(full.outcome == Outcome::NotRun);
    CHECK(full.reason == "socket: Too many open files");
    for (const int shortage : {ENOBUFS, ENOMEM, EAGAIN}) {
        CAPTURE(shortage);
        const auto unsent = failing([shortage](KernelCalls& calls) { calls.send_errors = {shortage}; });
        CHECK(unsent.outcome == Outcome::NotRun);
        CHECK(unsent.words == "send ICMP packet fail");
    }
    CHECK(failing([](KernelCalls& calls) { calls.send_errors = {ENOBUFS}; }, kV6).reason ==
          "send: No buffer space available");
}

TEST_CASE("an echo that cannot get to the server fails with the reason and keepalived's words") {
    const auto unroutable = failing([](KernelCalls& calls) { calls.connect_error = ENETUNREACH; });
    CHECK(unroutable.outcome == Outcome::Failed);
    CHECK(unroutable.reason == "connect: Network is unreachable");
    // No refusal of the plain ICMP socket, after which a raw one would be tried.
    const auto prohibited = failing([](KernelCalls& calls) {
        calls.connect_error = EACCES;
        calls.raw_error = EPERM;
    });
    CHECK(prohibited.outcome == Outcome::Failed);
    CHECK(prohibited.reason == "connect: Permission denied (prohibited by a route or a firewall?)");
    const auto lost = failing([](KernelCalls& calls) { calls.send_errors = {EHOSTUNREACH}; });
    CHECK(lost.outcome == Outcome::Failed);
    CHECK(lost.reason == "send: No route to host");
    CHECK(lost.words == "send ICMP packet fail");
    CHECK(failing([](KernelCalls& calls) { calls.send_errors = {EHOSTUNREACH}; }, kV6).words ==
          "send ICMPv6 packet fail");
    const auto unreachable = failing([](KernelCalls& calls) { calls.recv_errors = {EHOSTUNREACH}; });
    CHECK(unreachable.outcome == Outcome::Failed);
    CHECK(unreachable.reason == "no route to host");
    const auto broken = failing([](KernelCalls& calls) { calls.recv_errors = {EPROTO}; });
    CHECK(broken.outcome == Outcome::Failed);
    CHECK(broken.reason == "read: protocol error");
}

TEST_CASE("an echo is sent and received again when a signal or an early wake-up came between") {
    CHECK(failing([](KernelCalls& calls) {
              calls.send_errors = {EINTR};
              calls.recv_errors = {EAGAIN, EINTR};
          }).outcome == Outcome::Passed);
}

TEST_CASE("an echo that is cancelled says nothing about the server, before it is sent or while it is waited for") {
    DatagramServer silent{[](const std::string&) { return std::vector<std::string>{}; }};
    KernelCalls calls;
    calls.icmp = silent.endpoint();
    CHECK(run_cancelled(ping(kV4)).reason == "cancelled");
    CHECK(silent.heard().empty());

    Canceller canceller;
    DatagramServer host{[&](const std::string&) {
        canceller.cancel();
        return std::vector<std::string>{};
    }};
    calls.icmp = host.endpoint();
    const Finding finding = run(ping(kV4), canceller.begun());
    CHECK(finding.outcome == Outcome::NotRun);
    CHECK(finding.reason == "cancelled");
}
