// The pieces of one SMTP session: its URL, how it is stopped, what it does with nobody to write to.
#include "alert/smtp_session.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace mainstay::alert {
namespace {

std::string url(const char* name, std::uint16_t port = 25, const char* helo = "vm") {
    return url_of({.name = name, .port = port, .helo_name = helo, .timeout = Seconds{1}});
}

struct Pair {
    Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0); }
    ~Pair() {
        for (const int end : ends) ::close(end);
    }
    // Whether the other end sees that this one was shut.
    [[nodiscard]] bool shut() const {
        char byte = 0;
        return ::recv(ends[1], &byte, 1, 0) == 0;
    }
    std::array<int, 2> ends{};
};

}  // namespace

TEST_CASE("the URL of a server has its port and the name for HELO") {
    CHECK(url("192.0.2.1") == "smtp://192.0.2.1:25/vm");
    CHECK(url("2001:db8::1", 2525) == "smtp://[2001:db8::1]:2525/vm");
    CHECK(url("fe80::25%eth0.1") == "smtp://[fe80::25%25eth0.1]:25/vm");
    CHECK(url("mail.example.org", 65535, "host.example.org") == "smtp://mail.example.org:65535/host.example.org");
}

TEST_CASE("of a name only what cannot mean anything else in a URL is used") {
    CHECK(url("azAZ09-._") == "smtp://azAZ09-._:25/vm");
    CHECK(url("x", 25, "[192.0.2.1:5]") == "smtp://x:25/[192.0.2.1:5]");
    CHECK(url("x", 25, "a`{@/?#%\\,;<>^ \"!b") == "smtp://x:25/ab");
    CHECK(url("x", 25, "/") == "smtp://x:25/localhost");
    CHECK(url("", 25, "") == "smtp://localhost:25/localhost");
}

TEST_CASE("a stop shuts the sockets that are open and those that open later") {
    SessionStop stop;
    const Pair early, closed, late;
    stop.opened(early.ends[0]);
    stop.opened(closed.ends[0]);
    stop.closing(closed.ends[0]);
    CHECK_FALSE(stop.stopped());
    CHECK_FALSE(early.shut());

    stop.stop();

    CHECK(stop.stopped());
    CHECK(early.shut());
    CHECK_FALSE(closed.shut());
    stop.opened(late.ends[0]);
    CHECK(late.shut());
}

TEST_CASE("a mail without recipients is not sent") {
    SessionStop stop;
    const Delivery delivery = run_session({.name = "127.0.0.1", .port = 1, .helo_name = "vm", .timeout = Seconds{1}},
                                          {.id = "t", .from = {.address = "root@vm"}}, "x\r\n", stop);
    CHECK_FALSE(delivery.reached);
    CHECK(delivery.text == "libcurl does not take an option");
}

}  // namespace mainstay::alert
