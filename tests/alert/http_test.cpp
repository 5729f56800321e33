// The transport against a scripted server on loopback, in the same loop: so a test also sees whether the loop was held
// up.
#include "mainstay/alert/http.hpp"

#include <doctest/doctest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>

namespace mainstay::alert {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;

// Reads one request, answers with `reply`, and closes; an empty reply is silence.
class FakeReceiver {
public:
    FakeReceiver(asio::io_context& loop, std::string reply)
        : acceptor_{loop, {asio::ip::address_v4::loopback(), 0}}, socket_{loop}, reply_{std::move(reply)} {
        acceptor_.async_accept(socket_, [this](boost::system::error_code ec) {
            if (!ec) read("\r\n\r\n");
        });
    }
    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/hook?x=1";
    }
    std::string request;

private:
    void read(const std::string& until) {
        asio::async_read_until(
            socket_, asio::dynamic_buffer(request), until, [this, until](boost::system::error_code ec, std::size_t) {
                if (ec) return;
                if (until != "}") return read("}");  // the body
                if (reply_.empty()) return;
                asio::async_write(socket_, asio::buffer(reply_), [this](boost::system::error_code, std::size_t) {
                    boost::system::error_code ignored;
                    socket_.close(ignored);
                });
            });
    }
    tcp::acceptor acceptor_;
    tcp::socket socket_;
    std::string reply_;
};

// Answers 200 to each request of a connection, and keeps it; counts both.
class PatientReceiver {
public:
    explicit PatientReceiver(asio::io_context& loop)
        : acceptor_{loop, {asio::ip::address_v4::loopback(), 0}}, next_{loop} {
        accept();
    }
    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/hook";
    }
    void drop() {
        boost::system::error_code ignored;
        last_->socket.close(ignored);
    }
    int connections = 0, requests = 0;

private:
    void accept() {
        acceptor_.async_accept(next_, [this](boost::system::error_code ec) {
            if (ec) return;
            ++connections;
            last_ = std::make_shared<Connection>(std::exchange(next_, tcp::socket{acceptor_.get_executor()}));
            read(last_);
            accept();
        });
    }
    // Each has its own memory: the read of one that was dropped ends while the next one is read.
    struct Connection {
        explicit Connection(tcp::socket accepted) : socket{std::move(accepted)} {}
        tcp::socket socket;
        std::string had;
    };
    void read(const std::shared_ptr<Connection>& from) {
        asio::async_read_until(from->socket, asio::dynamic_buffer(from->had), "}",
                               [this, from](boost::system::error_code ec, std::size_t) {
                                   if (ec) return;
                                   ++requests;
                                   from->had.clear();
                                   asio::async_write(from->socket, asio::buffer(kReply),
                                                     [this, from](boost::system::error_code failed, std::size_t) {
                                                         if (!failed) read(from);
                                                     });
                               });
    }
    static constexpr std::string_view kReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    tcp::acceptor acceptor_;
    tcp::socket next_;
    std::shared_ptr<Connection> last_;
};

const Post kPost{.id = "vrrp.1.2", .object = "o", .content_type = "application/json", .body = R"({"a":1})", .at = {2}};

Webhook webhook(const std::string& url) {
    return {.name = "a", .url = url, .ca_file = {}, .headers = {"Authorization: Bearer t", "X-B: c"}, .problem = {}};
}

std::optional<HookAnswer> answer_of(asio::io_context& loop, const std::string& url) {
    const auto work = asio::make_work_guard(loop);  // the thread is none that the loop knows of
    auto transport = HttpTransport::make(loop).value();
    std::optional<HookAnswer> got;
    transport->post(webhook(url), kPost, [&](HookAnswer answer) {
        got = std::move(answer);
        loop.stop();
    });
    loop.run_for(20s);
    return got;
}

}  // namespace

TEST_CASE("a request has its body, its id and the headers of the file") {
    asio::io_context loop;
    FakeReceiver receiver{loop, "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"};
    const auto got = answer_of(loop, receiver.url());

    REQUIRE(got);
    CHECK(got->status == 202);
    CHECK(receiver.request.starts_with("POST /hook?x=1 HTTP/1.1\r\n"));
    for (const char* const line :
         {"\r\nAuthorization: Bearer t\r\n", "\r\nX-B: c\r\n", "\r\nContent-Type: application/json\r\n",
          "\r\nIdempotency-Key: \"vrrp.1.2\"\r\n", "\r\nContent-Length: 7\r\n", "\r\nUser-Agent: mainstay\r\n"})
        CHECK_MESSAGE(receiver.request.find(line) != std::string::npos, line);
    CHECK(receiver.request.ends_with("\r\n\r\n{\"a\":1}"));
}

TEST_CASE("requests to one receiver share a connection until nothing more is to be sent") {
    asio::io_context loop;
    const auto work = asio::make_work_guard(loop);
    PatientReceiver receiver{loop};
    auto transport = HttpTransport::make(loop).value();
    const auto post_one = [&] {
        std::optional<HookAnswer> got;
        transport->post(webhook(receiver.url()), kPost, [&](HookAnswer answer) {
            got = std::move(answer);
            loop.stop();
        });
        loop.restart();
        loop.run_for(20s);
        REQUIRE(got);
        CHECK(got->status == 200);
        CHECK(got->text.empty());
    };
    for (int i = 0; i < 3; ++i) {
        post_one();
        transport->keep_connections({"a"});
    }
    CHECK(receiver.connections == 1);
    CHECK(receiver.requests == 3);
    receiver.drop();  // as a receiver does that restarts: the request is sent again over another one
    post_one();
    CHECK(receiver.connections == 2);
    transport->keep_connections({});
    post_one();
    CHECK(receiver.connections == 3);
    CHECK(receiver.requests == 5);
}

TEST_CASE("a redirect is not followed, an answer without end is cut, and half an answer is none") {
    const struct {
        std::string reply;
        int status;
    } rows[] = {{"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302},
                {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 500},
                {"HTTP/1.1 200 OK\r\n\r\n" + std::string(300'000, 'x'), 200},
                {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", 0},
                {"SSH-2.0-OpenSSH\r\n", 0}};
    for (const auto& row : rows) {
        CAPTURE(row.reply.substr(0, 40));
        asio::io_context loop;
        FakeReceiver receiver{loop, row.reply};
        const auto got = answer_of(loop, receiver.url());
        REQUIRE(got);
        CHECK(got->status == row.status);
        CHECK(got->text.empty() == (row.status != 0));
    }
}

TEST_CASE("nobody there is said without the path") {
    asio::io_context loop;
    const auto got = answer_of(loop, "http://127.0.0.1:1/secret");

    REQUIRE(got);
    CHECK(got->status == 0);
    CHECK(got->text.find("127.0.0.1 port 1") != std::string::npos);
    CHECK(got->text.find("secret") == std::string::npos);
}

TEST_CASE("a silent receiver holds nothing up, and nobody is called after the end") {
    asio::io_context loop;
    FakeReceiver receiver{loop, ""};
    bool called = false;
    int ticks = 0;
    {
        auto transport = HttpTransport::make(loop).value();
        transport->post(webhook(receiver.url()), kPost, [&](const HookAnswer&) { called = true; });
        for (; ticks < 50 && !receiver.request.ends_with("}"); ++ticks) loop.run_for(20ms);
        CHECK(receiver.request.ends_with("}"));
    }
    loop.restart();
    loop.run_for(200ms);
    CHECK_FALSE(called);
}

}  // namespace mainstay::alert
