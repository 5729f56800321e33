// Who has how many connections at the control socket.
#include "../../needs.hpp"
#include "control_bench.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "role/observer/http/exchange.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::http;
using namespace mainstay::role::test;

namespace {

// Connections of other accounts. Their group is the server's, so that they may read.
struct OtherAccount {
    explicit OtherAccount(uid_t uid) { REQUIRE(::seteuid(uid) == 0); }
    OtherAccount(const OtherAccount&) = delete;
    OtherAccount& operator=(const OtherAccount&) = delete;
    ~OtherAccount() { [[maybe_unused]] const int back = ::seteuid(0); }
};

}  // namespace

TEST_CASE("a thousand connections of another account, silent or with half a request, leave root its places" *
          mainstay::test::kNeedsRoot) {
    rlimit descriptors{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &descriptors) == 0);
    descriptors.rlim_cur = std::max<rlim_t>(descriptors.rlim_cur, 4096);
    descriptors.rlim_max = std::max(descriptors.rlim_max, descriptors.rlim_cur);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &descriptors) == 0);
    ControlBench bench;
    bench.start();
    std::vector<UniqueFd> clients;
    const auto connect_as = [&](uid_t uid, int number, const std::string& text) {
        const OtherAccount other{uid};
        for (int i = 0; i < number; ++i) {
            clients.push_back(bench.connected());
            if (!text.empty()) (void)::send(clients.back().get(), text.data(), text.size(), MSG_NOSIGNAL);
        }
    };
    connect_as(1001, 500, "");
    connect_as(1001, 500, "GET /status HT");
    CHECK(bench.answer("GET /status HTTP/1.1\r\n\r\n") == reply("200 OK", "{\"a\":1}\n"));
    CHECK(bench.server->status().counters.connections_refused == 984);
    REQUIRE(bench.log.texts.size() == 10);
    CHECK(bench.log.texts[0] ==
          "more than 16 connections to " + bench.socket() + " from uid 1001: one is closed (1 so far)");
    // Another account has places of its own, until those of all accounts but root are taken.
    const auto served = [&](uid_t uid) {
        std::optional<OtherAccount> other{std::in_place, uid};
        const auto client = bench.connected();
        other.reset();
        (void)::send(client.get(), "GET /status HTTP/1.1\r\n\r\n", 24, MSG_NOSIGNAL);
        return !bench.heard(client).empty();
    };
    CHECK(served(1002));
    for (const uid_t uid : {1002U, 1003U, 1004U}) connect_as(uid, 16, "");
    CHECK_FALSE(served(1005));
    for (std::size_t i = 0; i < kConnectionsMax; ++i) clients.push_back(bench.connected());
    CHECK_FALSE(served(0));  // root's own places are taken, too
    clients.clear();
    bench.until([&] { return served(1005) && served(0); });
}

TEST_CASE("root follows the events while others have taken their streams" * mainstay::test::kNeedsRoot) {
    ControlBench bench;
    bench.start();
    const std::string request = "GET /events HTTP/1.1\r\n\r\n";
    std::vector<UniqueFd> followers;
    {
        const OtherAccount other{1001};
        for (std::size_t i = 0; i < kStreamsMax; ++i) followers.push_back(bench.connected());
    }
    const auto code = [&](const UniqueFd& client) {
        std::string got;
        ControlBench::send_text(client, request);
        bench.until([&] { return bench.more(client, got).size() > 12; });
        return code_of(got);
    };
    for (const auto& follower : followers) CHECK(code(follower) == "200");
    {
        const OtherAccount other{1002};
        followers.push_back(bench.connected());
    }
    CHECK(code(followers.back()) == "503");
    followers.push_back(bench.connected());
    CHECK(code(followers.back()) == "200");
}
