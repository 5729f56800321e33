// The transport against a scripted server on loopback, in the same loop: so a test also sees whether the loop was held
// up.
#include "mainstay/alert/smtp.hpp"

#include <doctest/doctest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <istream>
#include <optional>

#include "../threads.hpp"

namespace mainstay::alert {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;

// Answers each line with the reply that `script` has for its verb; an empty reply is silence.
class FakeServer {
public:
    using Script = std::function<std::string(const std::string& verb)>;
    FakeServer(asio::io_context& loop, Script script)
        : acceptor_{loop, {asio::ip::address_v4::loopback(), 0}}, socket_{loop}, script_{std::move(script)} {
        acceptor_.async_accept(socket_, [this](boost::system::error_code ec) {
            if (!ec) reply_with(script_("connect"));
        });
    }
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::vector<std::string> lines;

private:
    void reply_with(const std::string& reply) {
        if (reply == "close") return socket_.close();
        reply_ = reply.empty() ? "" : reply + "\r\n";
        asio::async_write(socket_, asio::buffer(reply_), [this](boost::system::error_code ec, std::size_t) {
            if (!ec) listen();
        });
    }
    void listen() {
        asio::async_read_until(socket_, buffer_, "\r\n", [this](boost::system::error_code ec, std::size_t) {
            if (ec) return;
            std::istream stream{&buffer_};
            std::string line;
            std::getline(stream, line);
            if (!line.empty() && line.back() == '\r') line.pop_back();
            lines.push_back(line);
            heard(line);
        });
    }
    void heard(const std::string& line) {
        if (in_message_) {
            if (line != ".") return listen();
            in_message_ = false;
            return reply_with(script_("."));
        }
        const std::string verb = line.substr(0, 4);
        in_message_ = verb == "DATA" && script_(verb).starts_with("354");
        reply_with(script_(verb));
    }

    tcp::acceptor acceptor_;
    tcp::socket socket_;
    Script script_;
    asio::streambuf buffer_;
    std::string reply_;
    bool in_message_ = false;
};

std::string polite(const std::string& verb) {
    if (verb == "connect") return "220 hi";
    if (verb == "EHLO") return "250-mx\r\n250 SIZE 100000";
    if (verb == "DATA") return "354 go";
    return "250 ok";
}

struct Fixture {
    Fixture() {
        auto made = SmtpTransport::make(loop);
        REQUIRE(made.has_value());
        transport = std::move(*made);
    }
    // Sends one mail and runs the loop until it has ended (or 20 s have passed, which fails the test). Counts how often
    // the loop came round meanwhile.
    Delivery send(const std::string& host, std::uint16_t port, Seconds timeout = Seconds{10}) {
        const Mail mail{.id = "t.1",
                        .from = {.address = "root@vm"},
                        .to = {{.address = "a@example.org"}, {.address = "b@example.org"}}};
        std::optional<Delivery> result;
        transport->send({.name = host, .port = port, .helo_name = "vm", .timeout = timeout}, mail,
                        "Subject: x\r\n\r\n.leading dot\r\nlast\r\n", [&](Delivery delivery) { result = delivery; });
        const auto give_up = std::chrono::steady_clock::now() + 20s;
        while (!result && std::chrono::steady_clock::now() < give_up) {
            loop.run_one_for(10ms);
            if (loop.stopped()) loop.restart();
            ++turns;
        }
        REQUIRE(result.has_value());
        return *result;
    }

    asio::io_context loop;
    std::unique_ptr<SmtpTransport> transport;
    int turns = 0;
};

}  // namespace

TEST_CASE("a mail is delivered with one RCPT for each recipient and its dots stuffed") {
    Fixture f;
    FakeServer server{f.loop, polite};

    const Delivery delivery = f.send("127.0.0.1", server.port());

    CHECK(delivery.accepted == std::vector<std::string>{"a@example.org", "b@example.org"});
    f.loop.run_for(1s);  // what was sent last arrives
    REQUIRE(server.lines.size() >= 10);
    CHECK(server.lines[0] == "EHLO vm");
    CHECK(server.lines[1].starts_with("MAIL FROM:<root@vm>"));
    CHECK(server.lines[2] == "RCPT TO:<a@example.org>");
    CHECK(server.lines[3] == "RCPT TO:<b@example.org>");
    CHECK(server.lines[4] == "DATA");
    CHECK(server.lines[5] == "Subject: x");
    CHECK(server.lines[7] == "..leading dot");
    CHECK(server.lines[8] == "last");
    CHECK(server.lines[9] == ".");
}

TEST_CASE("a server may be given by name") {
    Fixture f;
    FakeServer server{f.loop, polite};

    const Delivery delivery = f.send("localhost", server.port());

    CHECK(delivery.accepted.size() == 2);
}

TEST_CASE("a server that does not answer QUIT does not hold up the loop") {
    Fixture f;
    FakeServer server{f.loop, [](const std::string& verb) { return verb == "QUIT" ? "" : polite(verb); }};

    const Delivery delivery = f.send("127.0.0.1", server.port(), Seconds{1});

    CHECK(delivery.accepted.size() == 2);
    CHECK(f.turns > 10);  // held up, it would come round a handful of times
}

TEST_CASE("a server that stops answering anywhere times out, and the loop continues") {
    for (const std::string silent_at : {"connect", "EHLO", "MAIL", "RCPT", "DATA", "."}) {
        CAPTURE(silent_at);
        Fixture f;
        FakeServer server{f.loop, [&](const std::string& verb) { return verb == silent_at ? "" : polite(verb); }};

        const Delivery delivery = f.send("127.0.0.1", server.port(), Seconds{1});

        CHECK_FALSE(delivery.reached);
        CHECK(delivery.accepted.empty());
        CHECK(delivery.never.empty());
        CHECK_FALSE(delivery.text.empty());
        CHECK(f.turns > 10);  // the session waits for 1 s and more, the loop for 10 ms at most
    }
}

TEST_CASE("a refused or closed connection is reported as such") {
    Fixture f;
    std::uint16_t port = 0;
    {
        tcp::acceptor closed{f.loop, {asio::ip::address_v4::loopback(), 0}};
        port = closed.local_endpoint().port();
    }
    const Delivery refused = f.send("127.0.0.1", port);
    CHECK_FALSE(refused.reached);
    CHECK_FALSE(refused.text.empty());

    FakeServer server{f.loop, [](const std::string& verb) { return verb == "MAIL" ? "close" : polite(verb); }};
    CHECK_FALSE(f.send("127.0.0.1", server.port()).reached);
}

TEST_CASE("the server's reply for each recipient is reported") {
    Fixture f;
    int recipients = 0;
    FakeServer server{f.loop, [&](const std::string& verb) -> std::string {
                          if (verb == "RCPT") return ++recipients == 1 ? "550 no such user" : "250 ok";
                          return polite(verb);
                      }};

    const Delivery delivery = f.send("127.0.0.1", server.port());

    CHECK(delivery.reached);
    CHECK(delivery.never == std::vector<std::string>{"a@example.org"});
    CHECK(delivery.accepted == std::vector<std::string>{"b@example.org"});
    CHECK(delivery.text == "550 no such user");
}

TEST_CASE("a 451 puts the mail off") {
    Fixture f;
    FakeServer server{f.loop, [](const std::string& verb) { return verb == "." ? "451 later" : polite(verb); }};

    const Delivery delivery = f.send("127.0.0.1", server.port());

    CHECK(delivery.reached);
    CHECK(delivery.accepted.empty());
    CHECK(delivery.never.empty());
    CHECK(delivery.text == "451 later");
}

TEST_CASE("the transport can be used again after a failure, and let go in the middle") {
    Fixture f;
    FakeServer silent{f.loop, [](const std::string&) { return ""; }};
    CHECK_FALSE(f.send("127.0.0.1", silent.port(), Seconds{1}).reached);
    FakeServer server{f.loop, polite};
    CHECK(f.send("127.0.0.1", server.port()).accepted.size() == 2);

    FakeServer third{f.loop, [](const std::string&) { return ""; }};  // nothing can end before it is let go
    f.transport->send({.name = "127.0.0.1", .port = third.port(), .helo_name = "vm"}, {.to = {{.address = "a@x"}}},
                      "x\r\n", [](const Delivery&) { FAIL("told after the transport was gone"); });
    f.loop.run_for(1ms);
    f.transport.reset();
    f.loop.restart();
    f.loop.run_for(50ms);
}

TEST_CASE("a long message arrives whole, and one mail at a time is sent") {
    Fixture f;
    FakeServer server{f.loop, polite};
    std::string message = "Subject: x\r\n\r\n";
    for (int i = 0; i < 20'000; ++i) message += std::to_string(i) + "\r\n";
    std::optional<Delivery> first, second;
    const Transport::Server to{.name = "127.0.0.1", .port = server.port(), .helo_name = "vm", .timeout = Seconds{10}};
    const Mail mail{.id = "t.1", .from = {.address = "root@vm"}, .to = {{.address = "a@example.org"}}};
    f.transport->send(to, mail, message, [&](const Delivery& delivery) { first = delivery; });
    f.transport->send(to, mail, message, [&](const Delivery& delivery) { second = delivery; });
    CHECK_FALSE(second.has_value());
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (!(first && second) && std::chrono::steady_clock::now() < give_up) {
        f.loop.run_one_for(10ms);
        if (f.loop.stopped()) f.loop.restart();
    }
    REQUIRE(second.has_value());
    CHECK_FALSE(second->reached);
    CHECK(second->text == "a mail is on its way already");
    REQUIRE(first.has_value());
    CHECK(first->accepted == std::vector<std::string>{"a@example.org"});
    REQUIRE(server.lines.size() >= 20'007);
    CHECK(server.lines[1] == "MAIL FROM:<root@vm> SIZE=" + std::to_string(message.size()));
    CHECK(server.lines[4] == "Subject: x");
    for (std::size_t i = 0; i < 20'000; ++i) REQUIRE(server.lines[6 + i] == std::to_string(i));
    CHECK(server.lines[20'006] == ".");
}

TEST_CASE("results of a session after the end of the transport, or just before, are discarded") {
    Fixture f;
    const tcp::acceptor silent{f.loop, {asio::ip::address_v4::loopback(), 0}};  // the kernel takes the connection
    std::uint16_t closed = 0;
    {
        const tcp::acceptor gone{f.loop, {asio::ip::address_v4::loopback(), 0}};
        closed = gone.local_endpoint().port();
    }
    const std::size_t before = mainstay::test::threads();
    for (const std::uint16_t port : {closed, silent.local_endpoint().port()}) {
        CAPTURE(port == closed);
        auto made = SmtpTransport::make(f.loop);
        REQUIRE(made.has_value());
        (*made)->send({.name = "127.0.0.1", .port = port, .helo_name = "vm"}, {.to = {{.address = "a@x"}}}, "x\r\n",
                      [](const Delivery&) { FAIL("told after the transport was gone"); });
        if (port == closed) REQUIRE(mainstay::test::ended_but(before, 20s));  // its result waits for the loop
        made->reset();
        REQUIRE(mainstay::test::ended_but(before, 20s));
        f.loop.restart();
        CHECK(f.loop.poll() == (port == closed ? 1 : 0));
    }
}

}  // namespace mainstay::alert
