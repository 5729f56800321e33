// The control socket of the API, with clients of this very process.
#include "../../needs.hpp"
#include "control_bench.hpp"

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

#include "event_at.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "role/observer/http/event_feed.hpp"
#include "role/observer/http/exchange.hpp"
#include "role/observer/http/server.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::http;
using namespace mainstay::role::test;

namespace {

std::string padded(const std::string& before, std::size_t bytes, const std::string& after) {
    return before + std::string(bytes - before.size() - after.size(), 'x') + after;
}

}  // namespace

TEST_CASE("the status is for root, the serving account and members of its group") {
    CHECK(may_read({.uid = 0, .gids = {0}}, 990, 990));
    CHECK(may_read({.uid = 990, .gids = {5}}, 990, 991));
    CHECK(may_read({.uid = 1000, .gids = {1000, 27, 991}}, 990, 991));
    CHECK_FALSE(may_read({.uid = 1000, .gids = {1000, 27}}, 990, 991));
    CHECK_FALSE(may_read({.uid = 1000, .gids = {}}, 990, 0));
}

TEST_CASE("who may read may change something only where that is allowed") {
    CHECK(caller_of(Peer{.uid = 990, .pid = 7, .gids = {990}}, 990, 990, false).rights == Rights::Read);
    CHECK(caller_of(Peer{.uid = 0, .pid = 7, .gids = {0}}, 990, 990, false).rights == Rights::Mail);
    CHECK(caller_of(Peer{.uid = 0, .pid = 7, .gids = {0}}, 990, 990, true).rights == Rights::Operate);
    CHECK(caller_of(Peer{.uid = 0, .pid = 7, .gids = {0}}, 990, 990, true).name == "uid 0, pid 7");
    CHECK(caller_of(Peer{.uid = 1000, .pid = 7, .gids = {27}}, 990, 991, true).rights == Rights::Nothing);
    CHECK(caller_of(fail(Errc::Io, "gone"), 990, 991, true).rights == Rights::Nothing);
}

TEST_CASE("a connection gets one answer, which is closed after it") {
    ControlBench bench;
    bench.start();
    CHECK(bench.answer("GET /status HTTP/1.1\r\nHost: x\r\n\r\n") == reply("200 OK", "{\"a\":1}\n"));
    CHECK(bench.answer("GET /status?x=1 HTTP/1.0\r\n\r\n") == reply("200 OK", "{\"a\":1}\n"));
    CHECK(bench.answer("GET /gone HTTP/1.1\r\n\r\n") ==
          reply("404 Not Found",
                "{\"error\":\"there is nothing at this path\",\"hint\":\"GET /api/v1 lists the paths\"}\n"));
    CHECK(bench.asked == std::vector<std::string>{"/status", "/status"});
}

TEST_CASE("a HEAD has the header of a GET and no body") {
    ControlBench bench;
    bench.start();
    const auto whole = reply("200 OK", "{\"a\":1}\n");
    CHECK(bench.answer("HEAD /status HTTP/1.1\r\n\r\n") == whole.substr(0, whole.size() - 8));
    const auto stream = bench.answer("HEAD /events HTTP/1.1\r\n\r\n");
    CHECK(code_of(stream) == "200");
    CHECK(text_body_of(stream).empty());
}

TEST_CASE("an answer in pieces is chunked, and whole for clients that know no chunks") {
    ControlBench bench;
    bench.start();
    const auto chunked = bench.answer("GET /pieces HTTP/1.1\r\n\r\n");
    CHECK(chunked.contains("\r\nTransfer-Encoding: chunked\r\n"));
    CHECK(text_body_of(chunked) == "3\r\n[1,\r\n1\r\n2\r\n2\r\n]\n\r\n0\r\n\r\n");
    const auto old = bench.answer("GET /pieces HTTP/1.0\r\n\r\n");
    CHECK_FALSE(old.contains("chunked"));
    CHECK(text_body_of(old) == "[1,2]\n");
    const auto head = bench.answer("HEAD /pieces HTTP/1.1\r\n\r\n");
    CHECK(head == chunked.substr(0, head.size()));
    CHECK(text_body_of(head).empty());
}

TEST_CASE("other methods are refused with what there is") {
    ControlBench bench;
    bench.start();
    CHECK(bench.answer("POST /status HTTP/1.1\r\nContent-Length: 0\r\n\r\n") ==
          reply("405 Method Not Allowed", "{\"error\":\"this path has another method\",\"hint\":\"use GET, HEAD\"}\n",
                "Allow: GET, HEAD\r\n"));
    CHECK(code_of(bench.answer("DELETE /status HTTP/1.1\r\n\r\n")) == "405");
    CHECK(code_of(bench.answer("BREW /status HTTP/1.1\r\n\r\n")) == "405");
    CHECK(code_of(bench.answer("GET /do/drain HTTP/1.1\r\n\r\n")) == "405");
    CHECK(bench.asked.empty());
}

TEST_CASE("what is malformed or not acceptable has its own answer") {
    ControlBench bench;
    bench.start();
    const auto code = [&](const std::string& request) { return code_of(bench.answer(request)); };
    CHECK(code("\x16\x03\x01 no HTTP at all\r\n\r\n") == "400");
    CHECK(code("GET /status HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello") == "400");
    CHECK(code("GET /../status HTTP/1.1\r\n\r\n") == "400");
    CHECK(code("GET //status HTTP/1.1\r\n\r\n") == "400");
    CHECK(code("GET /%2e%2e/etc/passwd HTTP/1.1\r\n\r\n") == "400");
    CHECK(code("GET http://x/status HTTP/1.1\r\n\r\n") == "400");
    CHECK(code("GET /status HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == "400");
    CHECK(code("GET /status HTTP/1.1\r\nAccept: text/html\r\n\r\n") == "406");
    CHECK(code("GET /events HTTP/1.1\r\nAccept: application/json\r\n\r\n") == "406");
    CHECK(code(padded("GET /", 2062, " HTTP/1.1\r\n\r\n")) == "404");
    CHECK(code(padded("GET /", 2063 + 13, " HTTP/1.1\r\n\r\n")) == "414");
    CHECK(code(padded("GET /", 9000, " HTTP/1.1\r\n\r\n")) == "414");
    CHECK(code(padded("GET /status HTTP/1.1\r\nX: ", 8000, "\r\n\r\n")) == "200");
    CHECK(code(padded("GET /status HTTP/1.1\r\nX: ", 9000, "\r\n\r\n")) == "431");
    CHECK(code(padded("GET /status HTTP/1.1\r\nX: ", 20'000, "\r\n\r\n")) == "431");
    CHECK(code("POST /do/x HTTP/1.1\r\nContent-Length: 16385\r\n\r\n") == "413");
    CHECK(bench.asked == std::vector<std::string>{"/status"});
    CHECK(bench.server->status().counters.requests_refused == 11);
}

TEST_CASE("a change needs the right, a body of JSON, and no page of another site behind it") {
    ControlBench bench;
    bench.start();
    const std::string body = "{}";
    const auto post = [&](const std::string& fields) {
        return "POST /do/drain HTTP/1.1\r\nHost: lb1\r\n" + fields + "Content-Length: 2\r\n\r\n{}";
    };
    const std::string json = "Content-Type: application/json; charset=utf-8\r\n";
    CHECK(code_of(bench.answer(post(json))) == "403");
    bench.server->set({.operate = true});
    CHECK(code_of(bench.answer(post(""))) == "415");
    CHECK(code_of(bench.answer(post("Content-Type: application/x-www-form-urlencoded\r\n"))) == "415");
    CHECK(code_of(bench.answer(post(json + "Origin: http://evil\r\n"))) == "403");
    CHECK(code_of(bench.answer(post(json + "Origin: null\r\n"))) == "403");
    CHECK(code_of(bench.answer(post(json + "Sec-Fetch-Site: cross-site\r\n"))) == "403");
    CHECK(code_of(bench.answer(post(json + "Sec-Fetch-Site: same-site\r\n"))) == "403");
    CHECK(bench.asked.empty());

    const auto client = bench.connected();
    ControlBench::send_text(client, post(json + "Origin: http://lb1\r\nSec-Fetch-Site: same-origin\r\n"));
    bench.until([&] { return bench.waiting.size() == 1; });
    Answer done;
    done.body = "[]";
    bench.waiting[0](done);
    bench.waiting[0](done);  // once is enough
    CHECK(text_body_of(bench.heard(client)) == "[]");
    CHECK(bench.asked == std::vector<std::string>{"/do/drain drain {}"});
}

TEST_CASE("a client that goes before its request is whole gets no answer") {
    ControlBench bench;
    bench.start();
    for (const char* part : {"", "GET /sta"}) {
        const auto client = bench.connected();
        ControlBench::send_text(client, part);
        REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
        CHECK(bench.heard(client).empty());
    }
    CHECK(bench.asked.empty());
}

TEST_CASE("a client that says nothing for too long is closed") {
    ControlBench bench;
    bench.start();
    const auto silent = bench.connected();
    const auto slow = bench.connected();
    ControlBench::send_text(slow, "GET /status HT");
    CHECK(bench.heard(silent).empty());
    CHECK(bench.heard(slow).empty());
    bench.until([&] { return bench.server->status().counters.requests_refused == 2; });
}

TEST_CASE("a client that goes on sending behind a refused request is closed in time, however slowly it sends") {
    ControlBench bench;
    bench.start();
    const auto client = bench.connected();
    ControlBench::send_text(client, padded("GET /status HTTP/1.1\r\nX: ", 20'000, "\r\n\r\n"));
    const auto begun = std::chrono::steady_clock::now();
    auto last = begun;
    bench.until([&] {
        const auto now = std::chrono::steady_clock::now();
        if (now - last < std::chrono::milliseconds{500}) return false;
        last = now;
        return ::send(client.get(), "x", 1, MSG_NOSIGNAL) < 0;
    });
    CHECK(std::chrono::steady_clock::now() - begun < kRequestWithin * 2);
    CHECK(code_of(bench.heard(client)) == "431");
}

TEST_CASE("the socket replaces that of an earlier incarnation, is its group's, and goes with the server") {
    ControlBench bench;
    std::ofstream{bench.socket()} << "left";
    std::ofstream{bench.socket() + ".new"} << "left";
    bench.start();
    struct stat facts{};
    REQUIRE(::stat(bench.socket().c_str(), &facts) == 0);
    CHECK(S_ISSOCK(facts.st_mode));
    CHECK((facts.st_mode & 07777) == 0660);
    CHECK_FALSE(std::filesystem::exists(bench.socket() + ".new"));
    CHECK(code_of(bench.answer("GET /status HTTP/1.1\r\n\r\n")) == "200");
    bench.server.reset();
    CHECK_FALSE(std::filesystem::exists(bench.socket()));
}

TEST_CASE("a path of 103 bytes is the longest, and one that cannot be bound is an error") {
    ControlBench bench;
    const auto of_length = [&](std::size_t bytes) {
        const auto folder = bench.folder.path.string() + "/";
        return folder + std::string(bytes - folder.size(), 's');
    };
    CHECK(bench.open(of_length(103)).has_value());
    const auto longer = bench.open(of_length(104));
    REQUIRE_FALSE(longer.has_value());
    CHECK(longer.error().text() == "status socket: the socket path is too long: " + of_length(104) + ".new");
    const auto nowhere = bench.open("/nowhere/at/all");
    REQUIRE_FALSE(nowhere.has_value());
    CHECK(nowhere.error().text() == "status socket: listen at /nowhere/at/all: No such file or directory");
    std::filesystem::create_directory(bench.socket());  // a socket cannot be renamed onto a folder
    CHECK_FALSE(bench.open(bench.socket()).has_value());
    CHECK_FALSE(std::filesystem::exists(bench.socket() + ".new"));
}

TEST_CASE("of more than 64 connections at a time each further one is closed, and reported ever more rarely") {
    ControlBench bench;
    bench.start();
    std::vector<UniqueFd> clients;
    for (std::size_t i = 0; i < kConnectionsMax; ++i) clients.push_back(bench.connected());
    for (int i = 0; i < 1000; ++i) CHECK(bench.heard(bench.connected()).empty());
    const std::string line = "more than 64 connections to " + bench.socket() + ": one is closed (";
    REQUIRE(bench.log.texts.size() == 10);
    CHECK(bench.log.texts[0] == line + "1 so far)");
    CHECK(bench.log.texts[9] == line + "512 so far)");
    CHECK(bench.server->status().counters.connections_refused == 1000);
    ControlBench::send_text(clients[0], "GET /status HTTP/1.1\r\n\r\n");
    CHECK(bench.heard(clients[0]) == reply("200 OK", "{\"a\":1}\n"));
    CHECK(bench.answer("GET /status HTTP/1.1\r\n\r\n") == reply("200 OK", "{\"a\":1}\n"));
}

TEST_CASE("with the server its connections go, also those that follow the events") {
    ControlBench bench;
    bench.start();
    const auto idle = bench.connected();
    const auto follower = bench.connected();
    ControlBench::send_text(follower, "GET /events HTTP/1.1\r\n\r\n");
    bench.loop.run_for(std::chrono::milliseconds{50});
    bench.server.reset();
    CHECK(bench.heard(idle).empty());
    CHECK(text_body_of(bench.heard(follower)).empty());
}

TEST_CASE("a client that follows the events gets those that are there and each that comes") {
    ControlBench bench;
    bench.start();
    bench.history.append("vrrp", {role::test::event_at(100)});
    const auto client = bench.connected();
    ControlBench::send_text(client, "GET /events HTTP/1.1\r\nAccept: text/event-stream\r\n\r\n");
    std::string got;
    bench.until([&] { return bench.more(client, got).ends_with("\n\n"); });
    CHECK(got.find("\r\nContent-Type: text/event-stream\r\n") != std::string::npos);
    CHECK(got.find("Content-Length") == std::string::npos);
    CHECK(text_body_of(got).starts_with("id: 100\ndata: {\"id\":100,"));
    got.clear();
    bench.history.append("vrrp", {role::test::event_at(200), role::test::event_at(300)});
    bench.until([&] { return bench.more(client, got).find("id: 300\n") != std::string::npos; });
    CHECK(got.starts_with("id: 200\n"));
}

TEST_CASE("sixteen clients may follow the events") {
    ControlBench bench;
    bench.start();
    std::vector<UniqueFd> clients;
    for (std::size_t i = 0; i < kStreamsMax; ++i) {
        clients.push_back(bench.connected());
        ControlBench::send_text(clients.back(), "GET /events HTTP/1.1\r\n\r\n");
    }
    bench.until([&] { return bench.server->status().counters.requests == kStreamsMax; });
    CHECK(code_of(bench.answer("GET /events HTTP/1.1\r\n\r\n")) == "503");
    CHECK(bench.server->status().counters.streams_refused == 1);
    clients[3].reset();  // one goes, and another may come
    bench.loop.run_for(std::chrono::milliseconds{50});
    const auto next = bench.connected();
    ControlBench::send_text(next, "GET /events HTTP/1.1\r\n\r\n");
    std::string got;
    bench.until([&] { return bench.more(next, got).ends_with("\r\n\r\n"); });
    CHECK(code_of(got) == "200");
}

TEST_CASE("a follower that does not read is cut off") {
    ControlBench bench;
    bench.start();
    const auto client = bench.connected();
    ControlBench::send_text(client, "GET /events HTTP/1.1\r\n\r\n");
    bench.loop.run_for(std::chrono::milliseconds{50});
    Event large = role::test::event_at(100);
    large.detail = std::string(4000, 'x');
    bench.history.append("vrrp", std::vector<Event>(1000, large));
    bench.until([&] { return bench.server->status().counters.streams_dropped == 1; });
    CHECK(bench.log.texts.size() == 1);
}

TEST_CASE("who is neither root nor of the service's group reads nothing" * mainstay::test::kNeedsRoot) {
    ControlBench bench;
    bench.start();
    // A client is who it was when it connected.
    const auto asks_as = [&](uid_t user, gid_t group, const std::vector<gid_t>& groups) {
        std::vector<gid_t> own(static_cast<std::size_t>(::getgroups(0, nullptr)));
        REQUIRE(::getgroups(static_cast<int>(own.size()), own.data()) >= 0);
        const gid_t own_group = ::getegid();
        REQUIRE(::chmod(bench.socket().c_str(), 0666) == 0);  // as if the permissions let everybody in
        REQUIRE(::setgroups(groups.size(), groups.data()) == 0);
        REQUIRE(::setegid(group) == 0);
        REQUIRE(::seteuid(user) == 0);
        const auto client = bench.connected();
        REQUIRE(::seteuid(0) == 0);
        REQUIRE(::setegid(own_group) == 0);
        REQUIRE(::setgroups(own.size(), own.data()) == 0);
        ControlBench::send_text(client, "GET /status HTTP/1.1\r\n\r\n");
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
