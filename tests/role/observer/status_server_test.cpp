// The status socket, with clients of this very process.
#include "role/observer/status_server.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "mainstay/base/unique_fd.hpp"

using namespace mainstay;
using namespace mainstay::role;

namespace {

struct KeptLog final : Log {
    void line(LogLevel, std::string_view text) override { texts.emplace_back(text); }
    bool enabled(LogLevel) const override { return true; }
    using Log::line;
    std::vector<std::string> texts;
};

struct Folder {
    std::filesystem::path path;
    Folder() {
        char name[] = "/tmp/mainstay-status.XXXXXX";
        path = ::mkdtemp(name);
        ::chmod(path.c_str(), 0755);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
};

struct Bench {
    Folder folder;
    boost::asio::io_context loop;
    KeptLog log;
    std::vector<std::string> asked;
    std::unique_ptr<StatusServer> server;

    [[nodiscard]] std::string socket() const { return folder.path / "status.sock"; }
    [[nodiscard]] Result<std::unique_ptr<StatusServer>> open(const std::string& at) {
        return StatusServer::open(loop, log, at, [this](const std::string& target) {
            asked.push_back(target);
            return StatusServer::Answer{target == "/gone" ? 404U : 200U, "{\"a\":1}\n"};
        });
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
    static void say(const UniqueFd& client, const std::string& text) {
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
    std::string answer(const std::string& request) {
        const auto client = connected();
        say(client, request);
        return heard(client);
    }
};

std::string reply(const std::string& first, const std::string& body) {
    return "HTTP/1.1 " + first +
           "\r\nServer: mainstay\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
           "Connection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}
const std::string kNotHttp = reply("400 Bad Request", "{\"error\":\"not an HTTP request without a body\"}\n");

}  // namespace

TEST_CASE("a connection gets one answer, which is closed after it") {
    Bench bench;
    bench.start();
    CHECK(bench.answer("GET /status HTTP/1.1\r\nHost: x\r\n\r\n") == reply("200 OK", "{\"a\":1}\n"));
    CHECK(bench.answer("GET /gone HTTP/1.0\r\n\r\n") == reply("404 Not Found", "{\"a\":1}\n"));
    CHECK(bench.asked == std::vector<std::string>{"/status", "/gone"});
}

TEST_CASE("other methods are refused, and what is not a request without a body too") {
    Bench bench;
    bench.start();
    CHECK(bench.answer("POST /status HTTP/1.1\r\n\r\n") ==
          reply("405 Method Not Allowed", "{\"error\":\"only GET\"}\n"));
    CHECK(bench.answer("\x16\x03\x01 no HTTP at all\r\n\r\n") == kNotHttp);
    CHECK(bench.answer("GET /status HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello") == kNotHttp);
    CHECK(bench.asked.empty());
}

TEST_CASE("a header may have 8 KB") {
    Bench bench;
    bench.start();
    const auto with = [](std::size_t bytes) {
        std::string request = "GET /status HTTP/1.1\r\nX: ";
        return request + std::string(bytes - request.size() - 4, 'x') + "\r\n\r\n";
    };
    CHECK(bench.answer(with(8000)).starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(bench.answer(with(9000)).starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_CASE("a client that goes before its request is whole gets no answer") {
    Bench bench;
    bench.start();
    for (const char* part : {"", "GET /sta"}) {
        const auto client = bench.connected();
        Bench::say(client, part);
        REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
        CHECK(bench.heard(client).empty());
    }
    CHECK(bench.asked.empty());
}

TEST_CASE("the socket replaces that of an earlier incarnation, is open to everybody, and goes with the server") {
    Bench bench;
    std::ofstream{bench.socket()} << "left";
    std::ofstream{bench.socket() + ".new"} << "left";
    bench.start();
    struct stat facts{};
    REQUIRE(::stat(bench.socket().c_str(), &facts) == 0);
    CHECK(S_ISSOCK(facts.st_mode));
    CHECK((facts.st_mode & 07777) == 0666);
    CHECK_FALSE(std::filesystem::exists(bench.socket() + ".new"));
    CHECK(bench.answer("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
    bench.server.reset();
    CHECK_FALSE(std::filesystem::exists(bench.socket()));
}

TEST_CASE("a path of 100 bytes is the longest, and one that cannot be bound is an error") {
    Bench bench;
    const auto of_length = [&](std::size_t bytes) {
        const auto folder = bench.folder.path.string() + "/";
        return folder + std::string(bytes - folder.size(), 's');
    };
    CHECK(bench.open(of_length(100)).has_value());
    const auto longer = bench.open(of_length(101));
    REQUIRE_FALSE(longer.has_value());
    CHECK(longer.error().text() == "status socket: the socket path is too long: " + of_length(101));
    const auto nowhere = bench.open("/nowhere/at/all");
    REQUIRE_FALSE(nowhere.has_value());
    CHECK(nowhere.error().text() == "status socket: listen at /nowhere/at/all: No such file or directory");
    std::filesystem::create_directory(bench.socket());  // a socket cannot be renamed onto a folder
    CHECK_FALSE(bench.open(bench.socket()).has_value());
    CHECK_FALSE(std::filesystem::exists(bench.socket() + ".new"));
}

TEST_CASE("of more than 32 connections at a time each further one is closed and told of") {
    Bench bench;
    bench.start();
    std::vector<UniqueFd> clients;
    for (std::size_t i = 0; i < kConnectionsMax; ++i) clients.push_back(bench.connected());
    CHECK(bench.heard(bench.connected()).empty());
    CHECK(bench.heard(bench.connected()).empty());
    const std::string line = "more than 32 connections to " + bench.socket() + ": one is closed (";
    CHECK(bench.log.texts == std::vector<std::string>{line + "1 so far)", line + "2 so far)"});
    Bench::say(clients[0], "GET /first HTTP/1.1\r\n\r\n");
    CHECK(bench.heard(clients[0]) == reply("200 OK", "{\"a\":1}\n"));
    CHECK(bench.answer("GET /next HTTP/1.1\r\n\r\n") == reply("200 OK", "{\"a\":1}\n"));
}

TEST_CASE("what is asked of a server that has gone is answered so") {
    Bench bench;
    bench.start();
    const auto client = bench.connected();
    bench.loop.run_one_for(std::chrono::seconds{20});
    bench.server.reset();
    Bench::say(client, "GET /status HTTP/1.1\r\n\r\n");
    CHECK(bench.heard(client) == reply("503 Service Unavailable", "{\"error\":\"stopping\"}\n"));
}

TEST_CASE("who is neither root nor of the service's group reads nothing") {
    if (::geteuid() != 0) return;  // nobody else's credentials can be had
    Bench bench;
    bench.start();
    // A client is who it was when it connected.
    const auto asks_as = [&](uid_t user, gid_t group, const std::vector<gid_t>& groups) {
        std::vector<gid_t> own(static_cast<std::size_t>(::getgroups(0, nullptr)));
        REQUIRE(::getgroups(static_cast<int>(own.size()), own.data()) >= 0);
        const gid_t own_group = ::getegid();
        REQUIRE(::setgroups(groups.size(), groups.data()) == 0);
        REQUIRE(::setegid(group) == 0);
        REQUIRE(::seteuid(user) == 0);
        const auto client = bench.connected();
        REQUIRE(::seteuid(0) == 0);
        REQUIRE(::setegid(own_group) == 0);
        REQUIRE(::setgroups(own.size(), own.data()) == 0);
        Bench::say(client, "GET /status HTTP/1.1\r\n\r\n");
        return bench.heard(client).substr(9, 3);
    };
    constexpr uid_t kOther = 60'000;
    CHECK(asks_as(0, 60'001, {}) == "200");
    CHECK(asks_as(kOther, 60'001, {60'002}) == "403");
    CHECK(asks_as(kOther, ::getegid(), {}) == "200");
    CHECK(asks_as(kOther, 60'001, {60'002, ::getegid()}) == "200");
    std::vector<gid_t> many(100);
    for (gid_t i = 0; i < many.size(); ++i) many[i] = 61'000 + i;
    CHECK(asks_as(kOther, 60'001, many) == "403");
    many.back() = ::getegid();
    CHECK(asks_as(kOther, 60'001, many) == "200");
}
