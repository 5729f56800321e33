// One deadline for a whole check, from its start to its end: a server that sends a little in time each time, whatever
// it is that it sends, moves it by nothing.
#include "probe/checks.hpp"
#include "trickle.hpp"
#include "web.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using lvs::Outcome;
using Type = config::Checker::Type;
using Clock = std::chrono::steady_clock;

namespace {

struct Lasted {
    Finding finding;
    Clock::time_point earliest, latest;  // between them the check began
    Clock::time_point due;               // when its last wait would have ended
    [[nodiscard]] bool ends_after(std::chrono::seconds limit) const {
        return earliest + limit <= due && due <= latest + limit;
    }
};

// Of the 60 s of connect_timeout, 50 pass while the check connects; then the server does as it likes.
Lasted lasted_against(config::Checker what, const std::function<void(int fd)>& talk) {
    std::promise<void> connecting;
    StreamServer server{[&](int fd) {
        connecting.get_future().wait();
        talk(fd);
    }};
    what.target = server.endpoint();
    Lasted lasted;
    const auto begins = [&](Attempt&) { lasted.earliest = Clock::now(); };
    const auto connects = [&](Attempt&) {
        lasted.latest = Clock::now();
        pass_unheard(50s);
        connecting.set_value();
    };
    const auto ended = [&](Attempt& attempt) { lasted.due = attempt.state()->watchdog.expiry(); };
    lasted.finding = run(what, connects, begins, ended);
    return lasted;
}

// A server that sends this, and then a little of it each 50 s, without end.
std::function<void(int fd)> drips(const std::string& first, const std::string& little) {
    return [=](int fd) {
        send_text(fd, first);
        trickle(fd, 50s, [&] { send_text(fd, little); });
    };
}

void takes_twelve_times_connect_timeout(const config::Checker& what, const std::function<void(int fd)>& talk) {
    const Lasted lasted = lasted_against(what, talk);
    CHECK(lasted.finding.outcome == Outcome::TimedOut);
    CHECK(lasted.finding.reason.starts_with("timed out after 720 s"));
    CHECK(lasted.ends_after(720s));
}

}  // namespace

TEST_CASE("a web server that drips in its header or its body does not make a check longer") {
    const auto what = checker({});
    takes_twelve_times_connect_timeout(what, drips("HTTP/1.0 200 OK\r\nX: ", "y"));
    takes_twelve_times_connect_timeout(what, drips(kOk, "y"));
    takes_twelve_times_connect_timeout(what, drips(kOk + std::string(100'000, 'x'), "y"));
}

TEST_CASE("a server of HTTP/2 or gRPC that drips frames, or parts of one, does not make a check longer") {
    const std::string settings = "\0\0\0\x04\0\0\0\0\0"s, ping = "\0\0\x08\x06\0\0\0\0\0pingpong"s;
    auto web = checker({});
    web.http_protocol = std::string{"2"};
    const auto grpc = checker_of(Type::Grpc, {});
    for (const auto& what : {web, grpc}) {
        takes_twelve_times_connect_timeout(what, drips("\0\0\xb4\x04\0\0\0\0\0"s, "\0"s));
        takes_twelve_times_connect_timeout(what, drips(settings, ping));
        takes_twelve_times_connect_timeout(what, drips(settings + "\0\x20\0\x01\x04\0\0\0\x01\0\x7f\x80\x08"s, "x"));
    }
}

TEST_CASE("a mail server that drips in its greeting or in a later reply does not make a check longer") {
    const auto what = checker_of(Type::Smtp, {});
    takes_twelve_times_connect_timeout(what, drips("", "2"));
    takes_twelve_times_connect_timeout(what, drips("", "220-mx\r\n"));
    takes_twelve_times_connect_timeout(what, drips("220 mx\r\n", "2"));
    takes_twelve_times_connect_timeout(what, [](int fd) {
        send_text(fd, "220 mx\r\n");
        hear_line(fd);
        drips("250 mx\r\n", "2")(fd);
    });
}

TEST_CASE("an agent that drips does not make a check longer") {
    takes_twelve_times_connect_timeout(checker_of(Type::Agent, {}), drips("up#", "x"));
}

TEST_CASE("a server that drips in the TLS handshake has one connect_timeout with the connection") {
    auto grpc = checker_of(Type::Grpc, {});
    give(grpc, "tls", true);
    for (const auto& what : {checker({}, kSsl), grpc}) {
        const Lasted lasted = lasted_against(what, [](int fd) {
            send_text(fd, "\x16\x03\x03\x40\0\x02"s);
            trickle(fd, 4s, [fd] { send_text(fd, "\0"s); });
        });
        CHECK(lasted.finding.outcome == Outcome::TimedOut);
        CHECK(lasted.finding.reason == "timed out after 60 s in the TLS handshake");
        CHECK(lasted.ends_after(60s));
    }
}

TEST_CASE("datagrams that match no query do not make a check longer") {
    DatagramServer server{[](const std::string&) {
        pass(61s);
        return std::vector<std::string>(63, std::string(12, '\0'));
    }};
    Lasted lasted;
    lasted.finding = run(
        checker_of(Type::Dns, server.endpoint()), {}, [&](Attempt&) { lasted.earliest = Clock::now(); },
        [&](Attempt& attempt) { lasted.due = attempt.state()->watchdog.expiry(); });
    CHECK(lasted.finding.outcome == Outcome::TimedOut);
    CHECK(lasted.due >= lasted.earliest + 60s);
    CHECK(lasted.due < lasted.earliest + 121s);  // 61 s have passed when the query is there
}
