#include "mainstay/probe/cached_clock.hpp"

#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <thread>

namespace {

namespace asio = boost::asio;
using mainstay::probe::CachedClock;

void pass_time() { std::this_thread::sleep_for(std::chrono::milliseconds{2}); }

}  // namespace

TEST_CASE("the handlers of one turn get one time, those of the next a later one") {
    asio::io_context loop;
    auto& clock = asio::use_service<CachedClock>(loop);
    CachedClock::Time first{}, second{}, later{};
    asio::post(loop, [&] {
        first = clock.now();
        pass_time();
        asio::post(loop, [&] { later = clock.now(); });
    });
    asio::post(loop, [&] { second = clock.now(); });

    loop.run();

    CHECK(first == second);
    CHECK(later > second);
}

TEST_CASE("one reading of the clock serves so many uses, and none after something that takes long") {
    asio::io_context loop;
    auto& clock = asio::use_service<CachedClock>(loop);

    const auto first = clock.now();
    pass_time();
    for (int use = 1; use < CachedClock::kUses; ++use) CHECK(clock.now() == first);
    const auto next = clock.now();
    CHECK(next > first);

    pass_time();
    CHECK(clock.now() == next);
    clock.forget();
    CHECK(clock.now() > next);
}
