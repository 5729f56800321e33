// The API's server with its control socket, and clients of this very process.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../../kept_log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "role/observer/http/event_feed.hpp"
#include "role/observer/http/server.hpp"

namespace mainstay::role::test {

using namespace http;
using mainstay::test::KeptLog;

struct ApiFolder {
    std::filesystem::path path;
    ApiFolder() {
        char name[] = "/tmp/mainstay-status.XXXXXX";
        path = ::mkdtemp(name);
        ::chmod(path.c_str(), 0755);
    }
    ~ApiFolder() { std::filesystem::remove_all(path); }
    ApiFolder(const ApiFolder&) = delete;
    ApiFolder& operator=(const ApiFolder&) = delete;
};

struct ControlBench {
    ApiFolder folder;
    boost::asio::io_context loop;
    KeptLog log;
    std::vector<std::string> asked;
    History history{[this] {
        if (server) server->wake_streams();
    }};
    std::vector<Done> waiting;
    std::unique_ptr<Server> server;

    [[nodiscard]] std::string socket() const { return folder.path / "status.sock"; }
    Router router() {
        const auto status = [this](const Request& request) {
            asked.push_back(request.target.path);
            Answer answer;
            answer.body = "{\"a\":1}\n";
            return answer;
        };
        const auto change = [this](const Request& request, Done done) {
            asked.push_back(request.target.path + " " + request.segment + " " + request.body);
            waiting.push_back(std::move(done));
        };
        const auto events = [this](const Request&) {
            Answer answer;
            answer.content_type = "text/event-stream";
            answer.feed = std::make_shared<EventFeed>(history, 0);
            return answer;
        };
        const auto pieces = [](const Request&) {
            return answer_in_pieces([]() -> Generator<std::string> {
                for (const char* piece : {"[1,", "", "2", "]\n"}) co_yield piece;
            }());
        };
        return Router{
            {{.pattern = "/pieces", .handle = AtOnce{pieces}},
             {.pattern = "/status", .handle = AtOnce{status}},
             {.pattern = "/livez", .needs = Rights::Nothing, .handle = AtOnce{status}},
             {.pattern = "/events", .handle = AtOnce{events}, .produces = {"text/event-stream"}},
             {.method = Method::Post, .pattern = "/do/{verb}", .needs = Rights::Operate, .handle = Later{change}}}};
    }
    [[nodiscard]] Result<std::unique_ptr<Server>> open(const std::string& at) {
        return Server::open(loop, log, at, {}, router(),
                            {.now = [] { return Instant{}; }, .wall = [] { return WallTime{}; }});
    }
    void start() {
        auto opened = open(socket());
        REQUIRE(opened.has_value());
        server = std::move(*opened);
    }
    [[nodiscard]] UniqueFd connected() const {
        UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        socket().copy(at.sun_path, sizeof at.sun_path - 1);
        REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        return fd;
    }
    static void send_text(const UniqueFd& client, const std::string& text) {
        REQUIRE(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    }
    // All that the server says until it closes the connection.
    std::string heard(const UniqueFd& client) {
        std::string all;
        for (;;) {
            pollfd wait{client.get(), POLLIN, 0};
            if (::poll(&wait, 1, 0) == 0) {
                REQUIRE(loop.run_one_for(std::chrono::seconds{20}) == 1);
                continue;
            }
            std::array<char, 4096> room{};
            const auto got = ::read(client.get(), room.data(), room.size());
            if (got <= 0) return all;
            all.append(room.data(), static_cast<std::size_t>(got));
        }
    }
    // Runs the loop until it holds.
    void until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        while (!holds()) {
            REQUIRE(std::chrono::steady_clock::now() < end);
            loop.restart();
            loop.run_for(std::chrono::milliseconds{2});
        }
    }
    // Adds what the server has said so far.
    static const std::string& more(const UniqueFd& client, std::string& got) {
        std::array<char, 4096> room{};
        const auto size = ::recv(client.get(), room.data(), room.size(), MSG_DONTWAIT);
        if (size > 0) got.append(room.data(), static_cast<std::size_t>(size));
        return got;
    }
    std::string answer(const std::string& request) {
        const auto client = connected();
        send_text(client, request);
        return heard(client);
    }
};

inline std::string reply(const std::string& first, const std::string& body, const std::string& more = {}) {
    return "HTTP/1.1 " + first +
           "\r\nServer: mainstay\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
           "Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors "
           "'none'; "
           "object-src 'none'\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
           "Cross-Origin-Resource-Policy: same-origin\r\n" +
           more + "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string code_of(const std::string& answer) { return answer.size() < 12 ? answer : answer.substr(9, 3); }
inline std::string text_body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

}  // namespace mainstay::role::test
