#include "role/common/peer_channel.hpp"

#include <doctest/doctest.h>

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
