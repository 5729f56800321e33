// The loop stands still for longer than a check may wait, as with its virtual machine, and its server answers
// meanwhile: what is in the socket counts.
#include <boost/asio/steady_timer.hpp>
#include <vector>

#include "checks.hpp"
#include "pause.hpp"
#include "web.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;
using Type = config::Checker::Type;

namespace {

constexpr auto kPause = kTimeout + 1s;
constexpr short kAnswer = POLLIN;
constexpr short kClosed = POLLIN | POLLRDHUP;

Finding paused_at_request(config::Checker what, short awaited, const std::function<void(int fd)>& talk) {
    Pause pause;
    StreamServer server{[&](int fd) {
        if (what.type == Type::Smtp) send_text(fd, "220 mx\r\n");
        char first = 0;
        static_cast<void>(::recv(fd, &first, 1, MSG_PEEK));
        pause.begins(awaited, kPause);
        talk(fd);
    }};
    what.target = server.endpoint();
    return run(what, pause.begun());
}

// The deadline has its turn before the answer is seen.
Finding late_answer(Type type, const std::function<void(config::Checker&)>& change = {}) {
    std::promise<void> deadline;
    DatagramServer server{[&](const std::string& came) {
        deadline.get_future().wait();
        std::string answer = came;
        answer[2] = static_cast<char>(0x81);
        return std::vector{answer};
    }};
    auto what = checker_of(type, server.endpoint());
    if (change) change(what);
    std::optional<boost::asio::steady_timer> just_before;
    return run(what, [&](Attempt& attempt) {
        just_before.emplace(attempt.state()->watchdog.get_executor(), kTimeout - 1s);
        just_before->async_wait([&](const boost::system::error_code&) {
            deadline.set_value();
            until(attempt.state()->datagrams.native_handle(), kAnswer);
        });
        pass(kPause);
    });
}

}  // namespace

TEST_CASE("a web server whose answer was complete before the end of a pause passes") {
    const Finding finding = paused_at_request(checker({}), kClosed, [](int fd) {
        send_text(fd, kOk + std::string(20'000, 'x'));
        ::shutdown(fd, SHUT_WR);
    });
    CHECK(finding.reason == "HTTP status code 200");
    CHECK(finding.outcome == Outcome::Passed);
}

TEST_CASE("a mail server that replied during a pause is talked to on") {
    const Finding finding = paused_at_request(checker_of(Type::Smtp, {}), kAnswer, [](int fd) {
        hear_line(fd);
        send_text(fd, "250 mx\r\n");
        hear_line(fd);
        send_text(fd, "221 mx\r\n");
    });
    CHECK(finding.reason == "SMTP status code 250");
    CHECK(finding.outcome == Outcome::Passed);
}

TEST_CASE("a server that was silent during a pause has timed out") {
    const Finding finding = paused_at_request(checker({}), kAnswer, [](int fd) {
        send_text(fd, "HTTP/1.0 200 OK\r\n");
        outlast(fd);
    });
    CHECK(finding.outcome == Outcome::TimedOut);
}

TEST_CASE("a datagram that is there when the deadline is seen is read before it counts") {
    CHECK(late_answer(Type::Dns).reason == "answered");
    CHECK(late_answer(Type::Udp).reason == "replied");
    CHECK(late_answer(Type::Udp, [](config::Checker& what) {
              give(what, "require_reply", config::WordList{});
          }).reason == "replied");
}

TEST_CASE("connections that were made during a pause count, however many they are") {
    constexpr std::size_t kMany = 300;  // more than are looked at in one turn
    const UniqueFd listener = listen_on_any(512);
    boost::asio::io_context loop;
    config::Config config;
    Toolbox tools{config};
    std::vector<std::optional<Finding>> findings(kMany);
    const auto what = checker_of(Type::Tcp, bound_to(listener));
    for (auto& finding : findings) {
        spawn(loop.get_executor(), "test",
              keep_finding(probe_of(what, 0, tools).value(), std::make_shared<Attempt>(loop.get_executor()), finding),
              [](const std::string&, const std::string&) {});
    }
    boost::asio::post(loop, [] { pass(kPause); });
    run_to_its_end(loop);
    for (const auto& finding : findings) {
        REQUIRE(finding.has_value());
        REQUIRE(finding->reason == "connected");
    }
}
