#include "role/supervisor/observer.hpp"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

using namespace mainstay;
using namespace mainstay::role;

namespace {

struct RestBench {
    // Two ends of a stream: what the other end sends makes this one readable, as a client does a listening socket.
    RestBench() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        socket.reset(ends[0]);
        client.reset(ends[1]);
    }
    int turn() {
        loop.restart();
        loop.run_for(std::chrono::milliseconds{20});
        return due;
    }
    void event() const {
        const std::uint64_t one = 1;
        REQUIRE(::write(kick.get(), &one, sizeof one) == sizeof one);
    }
    boost::asio::io_context loop;
    UniqueFd socket, client, kick{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    int due = 0;
    ObserverRest rest{loop, [this] { ++due; }};
};

}  // namespace

TEST_CASE("a rest is over once, when a client connects or an event is there, also one that was there before") {
    RestBench bench;
    const int number = bench.socket.get();
    bench.rest.announce(std::move(bench.socket));
    CHECK(bench.rest.is_announced());
    CHECK_FALSE(bench.rest.is_on());
    SUBCASE("an event") {
        REQUIRE(bench.rest.begin(bench.kick.get()).has_value());
        CHECK(bench.turn() == 0);
        bench.event();
    }
    SUBCASE("an event before it") {
        bench.event();
        REQUIRE(bench.rest.begin(bench.kick.get()).has_value());
    }
    SUBCASE("a client") {
        REQUIRE(bench.rest.begin(bench.kick.get()).has_value());
        CHECK(bench.turn() == 0);
        REQUIRE(::write(bench.client.get(), "x", 1) == 1);
    }
    SUBCASE("a client before it") {
        REQUIRE(::write(bench.client.get(), "x", 1) == 1);
        REQUIRE(bench.rest.begin(bench.kick.get()).has_value());
    }
    CHECK(bench.rest.is_on());
    CHECK(bench.turn() == 1);
    CHECK(bench.turn() == 1);
    CHECK(bench.rest.end().get() == number);
    CHECK_FALSE(bench.rest.is_on());
    CHECK_FALSE(bench.rest.is_announced());
    CHECK(bench.rest.end().get() == -1);
}

TEST_CASE("a rest that was ended before is not over once more, and the next one waits anew") {
    RestBench bench;
    bench.rest.announce(std::move(bench.socket));
    REQUIRE(bench.rest.begin(bench.kick.get()).has_value());
    bench.event();
    auto socket = bench.rest.end();
    CHECK(bench.turn() == 0);
    bench.rest.announce(std::move(socket));
    REQUIRE(bench.rest.begin(bench.kick.get()).has_value());
    CHECK(bench.turn() == 1);
}

TEST_CASE("what cannot be waited for is an error, and no rest") {
    RestBench bench;
    bench.rest.announce(UniqueFd{::dup(STDOUT_FILENO)});
    CHECK_FALSE(bench.rest.begin(-1).has_value());
    CHECK_FALSE(bench.rest.is_on());
    CHECK(static_cast<bool>(bench.rest.end()));
}
