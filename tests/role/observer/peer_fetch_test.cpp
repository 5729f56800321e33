#include "role/observer/peer/peer.hpp"

#include <doctest/doctest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <thread>

using namespace mainstay;
using namespace mainstay::role;
using boost::asio::ip::tcp;

namespace {

// A server on loopback that takes one request and gives this answer.
struct OneAnswer {
    boost::asio::io_context loop;
    tcp::acceptor acceptor{loop, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
    std::string request;
    std::thread thread;

    explicit OneAnswer(std::string text)
        : thread{[this, text = std::move(text)] {
              auto client = acceptor.accept();
              boost::asio::streambuf buffer;
              boost::asio::read_until(client, buffer, "\r\n\r\n");
              request.assign(boost::asio::buffers_begin(buffer.data()), boost::asio::buffers_end(buffer.data()));
              boost::system::error_code ignored;
              boost::asio::write(client, boost::asio::buffer(text), ignored);
          }} {}
    ~OneAnswer() { join(); }
    OneAnswer(const OneAnswer&) = delete;
    OneAnswer& operator=(const OneAnswer&) = delete;
    void join() {
        if (thread.joinable()) thread.join();
    }
    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/api/v1/status";
    }
};

PeerAnswer answer_of(const PeerRequest& request) {
    boost::asio::io_context loop;
    PeerFetch fetch{loop};
    std::optional<PeerAnswer> got;
    REQUIRE(fetch.get(request, [&](PeerAnswer answer) { got = std::move(answer); }).has_value());
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!got && std::chrono::steady_clock::now() < end) {
        loop.restart();
        loop.run_for(std::chrono::milliseconds{5});
    }
    REQUIRE(got.has_value());
    return *got;
}

}  // namespace

TEST_CASE("the peer gets the token, and its answer comes back") {
    OneAnswer server{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}\n"};
    const auto answer = answer_of({.url = server.url(), .token = "secret", .ca = {}});
    server.join();
    CHECK(answer.status == 200);
    CHECK(answer.body == "{}\n");
    CHECK(server.request.starts_with("GET /api/v1/status HTTP/1.1\r\n"));
    CHECK(server.request.find("\r\nAuthorization: Bearer secret\r\n") != std::string::npos);
}

TEST_CASE("a redirection is an answer, and is not followed") {
    OneAnswer server{"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"};
    const auto answer = answer_of({.url = server.url(), .token = "secret", .ca = {}});
    CHECK(answer.status == 302);
}

TEST_CASE("an answer that is too large, and none at all, are problems with a text") {
    {
        OneAnswer server{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(kPeerBytesMax + 1, 'x')};
        const auto answer = answer_of({.url = server.url(), .token = {}, .ca = {}});
        CHECK(answer.status == 0);
        CHECK(answer.problem == "its answer is larger than 16777216 bytes");
        CHECK(answer.body.empty());
    }
    std::string closed;
    {
        boost::asio::io_context loop;
        const tcp::acceptor acceptor{loop, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
        closed = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/";
    }
    const auto answer = answer_of({.url = closed, .token = {}, .ca = {}});
    CHECK(answer.status == 0);
    CHECK(answer.problem.find("connect") != std::string::npos);
    CHECK(answer_of({.url = "file:///etc/passwd", .token = {}, .ca = {}}).status == 0);
}

TEST_CASE("an answer that comes after its reader has gone is dropped") {
    boost::asio::io_context loop;
    OneAnswer server{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    bool called = false;
    {
        PeerFetch fetch{loop};
        REQUIRE(fetch.get({.url = server.url(), .token = {}, .ca = {}}, [&](const PeerAnswer&) { called = true; })
                    .has_value());
        server.join();
    }
    loop.run_for(std::chrono::milliseconds{50});
    CHECK_FALSE(called);
}
