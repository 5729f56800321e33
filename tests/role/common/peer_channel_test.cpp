#include "role/common/peer_channel.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "../../kept_log.hpp"
#include "mainstay/ipc/channel.hpp"

using namespace mainstay;
using namespace mainstay::role;
using mainstay::test::KeptLog;

namespace {

struct ChannelBench {
    void connect(std::map<std::string, bool> all) {
        auto ends = ipc::make_channel();
        sender.connect(std::move(ends->first), std::move(all));
        receiver.connect(std::move(ends->second));
    }
    std::vector<std::string> receive() {
        loop.restart();
        loop.poll();
        return std::exchange(received, {});
    }

    boost::asio::io_context loop;
    KeptLog log;
    std::vector<std::string> received;
    BfdStateSender sender{loop, log, "VRRP"};
    BfdStateReceiver receiver{
        loop, log, [this](const ipc::BfdState& s) { received.push_back(s.name + (s.up ? " up" : " down")); }};
};

}  // namespace

TEST_CASE("a new channel starts with every session, then carries changes") {
    ChannelBench bench;
    bench.sender.send("a", true);  // without a channel
    bench.connect({{"a", true}, {"b", false}});
    CHECK(bench.receive() == std::vector<std::string>{"a up", "b down"});
    bench.sender.send("b", true);
    bench.sender.send({{"a", false}, {"c", true}});
    CHECK(bench.receive() == std::vector<std::string>{"b up", "a down", "c up"});
    CHECK(bench.receive().empty());
}

TEST_CASE("a channel that either side has closed is replaced") {
    ChannelBench bench;
    bench.connect({{"a", true}});
    (void)bench.receive();
    bench.sender.close();
    CHECK(bench.receive().empty());
    bench.sender.send("a", false);
    bench.connect({{"a", false}});
    CHECK(bench.receive() == std::vector<std::string>{"a down"});
    bench.receiver.close();
    bench.sender.send("a", true);
    bench.connect({{"a", true}});
    CHECK(bench.receive() == std::vector<std::string>{"a up"});
}

TEST_CASE("a channel that is none is as no channel, until there is one") {
    ChannelBench bench;
    bench.sender.connect(UniqueFd{}, {{"a", true}});
    bench.receiver.connect(UniqueFd{});
    bench.sender.send("a", true);
    CHECK(bench.receive().empty());
    CHECK(bench.log.texts.empty());
    bench.connect({{"a", false}});
    CHECK(bench.receive() == std::vector<std::string>{"a down"});
}

TEST_CASE("states that are not read in time are sent afterwards, the latest of each session") {
    ChannelBench bench;
    auto ends = ipc::make_channel();
    bench.sender.connect(std::move(ends->first), {});
    for (int i = 0; i < 100'000; ++i) {
        bench.sender.send("a", i % 2 == 0);
        bench.sender.send("b", i % 2 != 0);
    }
    CHECK(bench.log.texts ==
          std::vector<std::string>{
              "the VRRP process does not read the states of BFD; the latest ones are sent when it does"});
    bench.receiver.connect(std::move(ends->second));
    std::vector<std::string> received, last;
    for (int rounds = 0; rounds < 1000 && !(received = bench.receive()).empty(); ++rounds) {
        CHECK(received.size() < 100'000);
        last.insert(last.end(), received.begin(), received.end());
    }
    REQUIRE(last.size() >= 2);
    CHECK(last[last.size() - 2] == "a down");
    CHECK(last[last.size() - 1] == "b up");
}

TEST_CASE("more sessions than fit into one message are sent in several") {
    ChannelBench bench;
    std::map<std::string, bool> all;
    for (int i = 0; i < 1300; ++i) all.emplace("a-session-with-a-name-of-31-" + std::to_string(1000 + i), true);
    bench.connect(all);
    CHECK(bench.receive().size() == 1300);
}

TEST_CASE("a flooding sender is read in small portions, then at a bounded rate, and never cut off") {
    ChannelBench bench;
    auto ends = ipc::make_channel();
    bench.receiver.connect(std::move(ends->second));
    const ipc::BfdStates one{{{"a", true}}};
    int sent = 0;
    while (sent < 100 && ipc::send_message(ends->first.get(), one)) ++sent;
    REQUIRE(sent == 100);
    bench.loop.restart();
    bench.loop.poll_one();
    CHECK(bench.received.size() <= kPeerMessagesPerTurn);
    CHECK(bench.receive().size() == 100);

    const auto began = std::chrono::steady_clock::now();
    std::int64_t received = 0;
    for (int i = 0; i < 1000; ++i) {
        for (int n = 0; n < 100; ++n) static_cast<void>(ipc::send_message(ends->first.get(), one));
        received += static_cast<std::int64_t>(bench.receive().size());
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    CHECK(received >= kPeerRate.burst - 100);
    CHECK(received <= kPeerRate.burst + kPeerRate.per_second * (took.count() + 1000) / 1000);
    CHECK(bench.log.texts ==
          std::vector<std::string>{"the BFD process sends more than 500 messages a second: they are read at that rate, "
                                   "and of the states that wait the latest ones are used"});
}

TEST_CASE("after a flood of changes the other side has the latest state, and hears the next one") {
    ChannelBench bench;
    bench.connect({{"a", false}});
    std::string last;
    const auto settle = [&](std::string_view wanted) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        while (last != wanted && std::chrono::steady_clock::now() < until) {
            bench.loop.restart();
            bench.loop.run_one_for(std::chrono::milliseconds{10});
            if (!bench.received.empty()) last = std::exchange(bench.received, {}).back();
        }
        return last == wanted;
    };
    for (int i = 0; i < 12'000; ++i) {
        bench.sender.send("a", i % 2 == 0);
        if (i % 100 == 0) (void)bench.receive();
    }
    bench.sender.send("last", true);
    CHECK(settle("last up"));
    bench.sender.send("last", false);
    CHECK(settle("last down"));
}

TEST_CASE("an undecodable message closes the channel, a message of an unknown kind does not") {
    ChannelBench bench;
    auto ends = ipc::make_channel();
    bench.receiver.connect(std::move(ends->second));
    CHECK(::send(ends->first.get(), "\xff", 1, MSG_NOSIGNAL) == 1);
    static_cast<void>(ipc::send_message(ends->first.get(), ipc::BfdStates{{{"a", true}}}));
    CHECK(bench.receive() == std::vector<std::string>{"a up"});
    CHECK(::send(ends->first.get(), "\x17\xff", 2, MSG_NOSIGNAL) == 2);  // BfdStates, cut off
    CHECK(bench.receive().empty());
    CHECK_FALSE(ipc::send_message(ends->first.get(), ipc::BfdStates{{{"a", false}}}));
}

TEST_CASE("the end of a channel is open with a channel alone") {
    boost::asio::io_context loop;
    PeerEnd end{loop};
    CHECK_FALSE(end.is_open());
    end.open(UniqueFd{});
    CHECK_FALSE(end.is_open());
    auto ends = ipc::make_channel();
    end.open(std::move(ends->first));
    CHECK(end.is_open());
    end.open(UniqueFd{});
    CHECK_FALSE(end.is_open());
    end.open(std::move(ends->second));
    end.close();
    CHECK_FALSE(end.is_open());
}
