// UDP_CHECK and PING_CHECK against loopback.
#include "probe/checks.hpp"

#include <doctest/doctest.h>

#include "checks.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

namespace {

using Type = config::Checker::Type;

config::Checker udp(const Endpoint& target) { return checker_of(Type::Udp, target); }

DatagramServer::Answer replies_with(std::string text) {
    return [text = std::move(text)](const std::string&) { return std::vector{text}; };
}

Outcome required(const std::string& reply, config::WordList pattern, std::optional<std::int64_t> least = {},
                 std::optional<std::int64_t> most = {}) {
    DatagramServer server{replies_with(reply)};
    auto what = udp(server.endpoint());
    give(what, "require_reply", std::move(pattern));
    if (least) give(what, "min_reply_length", *least);
    if (most) give(what, "max_reply_length", *most);
    return run(what).outcome;
}

}  // namespace

TEST_CASE("a UDP service that keeps silent passes after connect_timeout, with a reply required it fails") {
    // effect: virtual_server/real_server/UDP_CHECK: connect_timeout require_reply
    DatagramServer server{[](const std::string&) { return std::vector<std::string>{}; }};
    const Finding silent = run(udp(server.endpoint()), in_time(61s));
    CHECK(silent.outcome == Outcome::Passed);
    CHECK(silent.duration >= 60s);
    CHECK(silent.duration < 90s);
    auto strict = udp(server.endpoint());
    give(strict, "require_reply", config::WordList{});
    const Finding missing = run(strict, in_time(61s));
    CHECK(missing.outcome == Outcome::TimedOut);
    CHECK(missing.reason == "timed out after 60 s");
    CHECK(server.heard() == std::vector<std::string>(2, "keepalived check - keepalived ch"));
}

TEST_CASE("a port that nobody listens on fails the UDP check at once") {
    const UniqueFd closed = bind_only();
    const Finding refused = run(udp(bound_to(closed)));
    CHECK(refused.outcome == Outcome::Failed);
    CHECK(refused.reason == "connection refused");
}

TEST_CASE("any reply passes without a pattern, of any length") {
    for (const std::string& reply : {std::string{}, std::string{"x"}, std::string(1000, 'y')}) {
        DatagramServer server{replies_with(reply)};
        CHECK(run(udp(server.endpoint())).reason == "replied");
        CHECK(required(reply, {}) == Outcome::Passed);
    }
}

TEST_CASE("the payload is what its hex digits say: in pairs, and a single one is a byte of its own") {
    // effect: virtual_server/real_server/UDP_CHECK: payload
    DatagramServer server{replies_with("")};
    auto what = udp(server.endpoint());
    give(what, "payload", config::WordList{"00ffA0", "7", "6 5"});
    CHECK(run(what).outcome == Outcome::Passed);
    CHECK(server.heard() == std::vector<std::string>{std::string{"\x00\xff\xa0\x07\x06\x05", 6}});
    DatagramServer again{replies_with("")};
    auto empty = udp(again.endpoint());
    give(empty, "payload", config::WordList{});
    CHECK(run(empty).reason == "replied");
    CHECK(again.heard().at(0).size() == 32);  // keepalived: as if there were none
}

TEST_CASE("the beginning of the reply must match the pattern, an x matches any nibble") {
    // effect: virtual_server/real_server/UDP_CHECK: require_reply min_reply_length max_reply_length
    CHECK(required("pong", {"70", "6f"}) == Outcome::Passed);
    CHECK(required("pong", {"7x6F"}) == Outcome::Passed);
    CHECK(required("pong", {"7x61"}) == Outcome::Failed);
    CHECK(required("po", {"706f6e67"}) == Outcome::Passed);  // only so far as both go
    CHECK(required("", {"70"}) == Outcome::Passed);
    CHECK(required("", {"70"}, 1) == Outcome::Failed);
    CHECK(required("pong", {"70"}, 4, 4) == Outcome::Passed);
    CHECK(required("pong", {"70"}, 5) == Outcome::Failed);
    CHECK(required("pong", {"70"}, {}, 3) == Outcome::Failed);
    CHECK(required("p" + std::string(255, 'x'), {"70"}) == Outcome::Failed);  // 255 unless it is said
    CHECK(required("p" + std::string(999, 'x'), {"70"}, {}, 1000) == Outcome::Passed);
}

TEST_CASE("a UDP check that is cancelled says nothing about the server") {
    DatagramServer server{[](const std::string&) { return std::vector<std::string>{}; }};
    const Finding finding = run(udp(server.endpoint()), [](Attempt& attempt) { attempt.cancel(); });
    CHECK(finding.outcome == Outcome::NotRun);
    CHECK(finding.reason == "cancelled");
}

TEST_CASE("an echo is answered over IPv4 and IPv6, and not by an address without a host") {
    // effect: virtual_server/real_server/PING_CHECK: connect_ip connect_timeout
    const Finding v4 = run(checker_of(Type::Ping, {IpAddress::parse("127.0.0.1").value(), 80}));
    if (v4.outcome == Outcome::NotRun) {
        MESSAGE("this account may not send an ICMP echo: " << v4.reason);
        return;
    }
    CHECK(v4.outcome == Outcome::Passed);
    CHECK(v4.reason == "answered");
    const Finding v6 = run(checker_of(Type::Ping, {IpAddress::parse("::1").value(), 80}));
    if (v6.reason.find("connect") == std::string::npos) CHECK(v6.outcome == Outcome::Passed);
    const auto nobody = checker_of(Type::Ping, {IpAddress::parse("240.0.0.1").value(), 80});  // never routed
    const Finding lost = run(nobody, in_time(61s));
    CHECK(lost.outcome != Outcome::Passed);
    CHECK(lost.outcome != Outcome::NotRun);
}
