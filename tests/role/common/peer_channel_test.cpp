#include "role/common/peer_channel.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "mainstay/ipc/channel.hpp"

using namespace mainstay;
using namespace mainstay::role;

namespace {

struct SilentLog final : Log {
    void line(LogLevel, std::string_view) override {}
    [[nodiscard]] bool enabled(LogLevel) const override { return false; }
};

struct Bench {
    void connect(std::map<std::string, bool> all) {
        auto ends = ipc::make_channel();
        teller.connect(std::move(ends->first), std::move(all));
        listener.connect(std::move(ends->second));
    }
    std::vector<std::string> hear() {
        loop.restart();
        loop.poll();
        return std::exchange(heard, {});
    }

    boost::asio::io_context loop;
    SilentLog log;
    std::vector<std::string> heard;
    BfdTeller teller{loop, log, "VRRP"};
    BfdListener listener{loop, log,
                         [this](const ipc::BfdState& s) { heard.push_back(s.name + (s.up ? " up" : " down")); }};
};

}  // namespace

TEST_CASE("a new line brings every session, then what changes") {
    Bench bench;
    bench.teller.tell("a", true);  // to nobody
    bench.connect({{"a", true}, {"b", false}});
    CHECK(bench.hear() == std::vector<std::string>{"a up", "b down"});
    bench.teller.tell("b", true);
    bench.teller.tell({{"a", false}, {"c", true}});
    CHECK(bench.hear() == std::vector<std::string>{"b up", "a down", "c up"});
    CHECK(bench.hear().empty());
}

TEST_CASE("a line that breaks on either side is replaced") {
    Bench bench;
    bench.connect({{"a", true}});
    (void)bench.hear();
    bench.teller.close();
    CHECK(bench.hear().empty());
    bench.teller.tell("a", false);
    bench.connect({{"a", false}});
    CHECK(bench.hear() == std::vector<std::string>{"a down"});
    bench.listener.close();
    bench.teller.tell("a", true);
    bench.connect({{"a", true}});
    CHECK(bench.hear() == std::vector<std::string>{"a up"});
}

TEST_CASE("what is not read in time is told afterwards, the latest of each session") {
    Bench bench;
    auto ends = ipc::make_channel();
    bench.teller.connect(std::move(ends->first), {});
    for (int i = 0; i < 100'000; ++i) {
        bench.teller.tell("a", i % 2 == 0);
        bench.teller.tell("b", i % 2 != 0);
    }
    bench.listener.connect(std::move(ends->second));
    std::vector<std::string> heard, last;
    for (int rounds = 0; rounds < 1000 && !(heard = bench.hear()).empty(); ++rounds) {
        CHECK(heard.size() < 100'000);
        last.insert(last.end(), heard.begin(), heard.end());
    }
    REQUIRE(last.size() >= 2);
    CHECK(last[last.size() - 2] == "a down");
    CHECK(last[last.size() - 1] == "b up");
}

TEST_CASE("more sessions than one message holds are told in several") {
    Bench bench;
    std::map<std::string, bool> all;
    for (int i = 0; i < 1300; ++i) all.emplace("a-session-with-a-name-of-31-" + std::to_string(1000 + i), true);
    bench.connect(all);
    CHECK(bench.hear().size() == 1300);
}

TEST_CASE("who tells too much is heard in small portions, and then not at all") {
    Bench bench;
    auto ends = ipc::make_channel();
    bench.listener.connect(std::move(ends->second));
    const ipc::BfdStates one{{{"a", true}}};
    int sent = 0;
    while (sent < 100 && ipc::send_message(ends->first.get(), one)) ++sent;
    REQUIRE(sent == 100);
    bench.loop.restart();
    bench.loop.poll_one();
    CHECK(bench.heard.size() <= kLineMessagesPerTurn);
    CHECK(bench.hear().size() == 100);

    std::size_t heard = 0;
    for (int i = 0; i < 1000; ++i) {
        for (int n = 0; n < 100; ++n) static_cast<void>(ipc::send_message(ends->first.get(), one));
        heard += bench.hear().size();
    }
    CHECK(heard >= static_cast<std::size_t>(kLineRate.burst) - 100);
    CHECK(heard < 100'000);
    CHECK_FALSE(ipc::send_message(ends->first.get(), one));  // nobody is at the other end
}

TEST_CASE("a line on which something unreadable comes is closed, one with a kind from the future is not") {
    Bench bench;
    auto ends = ipc::make_channel();
    bench.listener.connect(std::move(ends->second));
    CHECK(::send(ends->first.get(), "\xff", 1, MSG_NOSIGNAL) == 1);
    static_cast<void>(ipc::send_message(ends->first.get(), ipc::BfdStates{{{"a", true}}}));
    CHECK(bench.hear() == std::vector<std::string>{"a up"});
    CHECK(::send(ends->first.get(), "\x17\xff", 2, MSG_NOSIGNAL) == 2);  // BfdStates, cut off
    CHECK(bench.hear().empty());
    CHECK_FALSE(ipc::send_message(ends->first.get(), ipc::BfdStates{{{"a", false}}}));
}
