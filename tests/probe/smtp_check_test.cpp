// SMTP_CHECK against servers on loopback.
#include "probe/checks.hpp"

#include <doctest/doctest.h>

#include "checks.hpp"
#include "trickle.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

namespace {

using Type = config::Checker::Type;

struct HeardCommands {
    std::string helo, quit;
};

Finding smtp(const std::function<void(int)>& talk, const std::function<void(config::Checker&)>& change = {}) {
    StreamServer server{talk};
    auto what = checker_of(Type::Smtp, server.endpoint());
    if (change) change(what);
    Finding finding = run(what);
    return finding;
}

// Greets, and answers HELO and QUIT with these.
std::function<void(int)> mail_server(std::string greeting, std::string helo, std::string quit,
                                     HeardCommands* heard = nullptr) {
    return [=](int fd) {
        send_text(fd, greeting);
        const std::string first = hear_line(fd);
        send_text(fd, helo);
        const std::string second = hear_line(fd);
        send_text(fd, quit);
        if (heard != nullptr) *heard = {first, second};
    };
}

}  // namespace

TEST_CASE("a mail server that greets, takes HELO and lets go passes; whatever it answers to QUIT") {
    // effect: virtual_server/real_server/SMTP_CHECK: helo_name
    HeardCommands heard;
    CHECK(smtp(mail_server("220 mx ready\r\n", "250 mx\r\n", "500 what\r\n", &heard)).outcome == Outcome::Passed);
    CHECK(heard.helo == "HELO smtpchecker.keepalived.org\r\n");
    CHECK(heard.quit == "QUIT\r\n");
    CHECK(smtp(mail_server("220-mx\r\n220-two\r\n220 ready\r\n", "250\r\n", "221 bye\r\n", &heard),
               [](config::Checker& what) { give(what, "helo_name", config::WordList{"probe.example.org"}); })
              .outcome == Outcome::Passed);
    CHECK(heard.helo == "HELO probe.example.org\r\n");
}

TEST_CASE("the wrong code at the greeting or after HELO fails in keepalived's words") {
    const Finding busy = smtp(mail_server("421 too busy\r\n", "", ""));
    CHECK(busy.outcome == Outcome::Failed);
    CHECK(busy.words == "Bad greeting banner from server");
    CHECK(busy.reason == "SMTP status code 421");
    const Finding refused = smtp(mail_server("220 mx\r\n", "550 no\r\n", ""));
    CHECK(refused.words == "Bad HELO response from server");
    CHECK(smtp(mail_server("SSH-2.0-OpenSSH\r\n", "", "")).reason == "no SMTP reply");
}

TEST_CASE("endless lines and endless replies are not read on") {
    const auto flood = [](std::string piece) {
        return [piece](int fd) {
            while (send_text(fd, piece)) {
            }
        };
    };
    CHECK(smtp(flood(std::string(100, 'x'))).words == "Bad greeting banner from server");
    CHECK(smtp(flood("220-x\r\n")).words == "Bad greeting banner from server");
}

TEST_CASE("a mail server has connect_timeout for reading HELO from when it is sent, however late it greeted") {
    std::promise<void> forty_seconds_passed;
    std::function<void(Attempt&)> once_connected = [&](Attempt& attempt) {
        const auto state = attempt.state();
        if (!state->socket.is_open())
            return boost::asio::post(state->watchdog.get_executor(), [&] { once_connected(attempt); });
        pass(40s);
        forty_seconds_passed.set_value();
    };
    StreamServer server{[&](int fd) {
        forty_seconds_passed.get_future().wait();
        send_text(fd, "220 mx\r\n");
        std::vector<char> bytes(1 << 20);
        bool ended = ::recv(fd, bytes.data(), 1, 0) != 1;
        pass(40s);
        while (!ended) {
            const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
            ended = got <= 0 || bytes[static_cast<std::size_t>(got) - 1] == '\n';
        }
        send_text(fd, "250 mx\r\n");
        hear_line(fd);
        send_text(fd, "221 bye\r\n");
    }};
    auto what = checker_of(Type::Smtp, server.endpoint());
    give(what, "helo_name", config::WordList{std::string(20'000'000, 'x')});
    CHECK(run(what, once_connected).reason == "SMTP status code 250");
}

TEST_CASE("a mail server that is silent, trickles, hangs up or is not there") {
    // effect: virtual_server/real_server/SMTP_CHECK: connect_timeout connect_port
    const Finding silent = smtp(outlast);
    CHECK(silent.outcome == Outcome::TimedOut);
    CHECK(silent.words == "Read timeout from server");
    const Finding whole = smtp([](int fd) {
        send_text(fd, "220 mx\r\n");
        hear_line(fd);
        send_text(fd, "250 ");
        for (int i = 0; i < 9; ++i) {
            pass_unheard(50s);
            send_text(fd, i < 8 ? "x" : "\r\n");
        }
        hear_line(fd);
        send_text(fd, "221 bye\r\n");
    });
    CHECK(whole.outcome == Outcome::Passed);
    const Finding endless = smtp([](int fd) {
        send_text(fd, "220 mx\r\n");
        hear_line(fd);
        trickle(fd, 50s, [fd] { send_text(fd, "2"); });
    });
    CHECK(endless.outcome == Outcome::TimedOut);
    CHECK(endless.reason == "timed out after 720 s");
    const Finding closed = smtp(mail_server("220 mx\r\n", "250 mx\r\n", ""));
    CHECK(closed.outcome == Outcome::Failed);
    CHECK(closed.words == "Connection closed by server");

    const UniqueFd nobody = bind_only();
    const Finding refused = run(checker_of(Type::Smtp, bound_to(nobody)));
    CHECK(refused.words == "Could not connect to server");
    const Blackhole lost;
    CHECK(run(checker_of(Type::Smtp, lost.endpoint()), in_time(61s)).words == "Connection timeout to server");
}
