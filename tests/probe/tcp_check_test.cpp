#include "probe/checks.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <optional>

#include "clock.hpp"
#include "loopback.hpp"
#include "mainstay/probe/task.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using lvs::Outcome;

namespace {

boost::asio::awaitable<void> store(Connection check, std::shared_ptr<Attempt> attempt, std::optional<Finding>& out) {
    out = co_await tcp_check(std::move(check), std::move(attempt));
}

Finding run_connection(Connection check, const std::function<void(Attempt&)>& meanwhile = {}) {
    boost::asio::io_context loop;
    std::optional<Finding> finding;
    std::string thrown = "never ended";
    const auto attempt = std::make_shared<Attempt>(loop.get_executor());
    spawn(loop.get_executor(), "test", store(std::move(check), attempt, finding),
          [&thrown](const std::string&, const std::string& what) { thrown = what; });
    if (meanwhile) boost::asio::post(loop, [&] { meanwhile(*attempt); });
    run_to_its_end(loop);
    REQUIRE(thrown.empty());
    REQUIRE(finding.has_value());
    return *finding;
}

}  // namespace

TEST_CASE("a server that accepts passes, and sees a connection without data, closed in order") {
    const UniqueFd listener = listen_on_any();

    const Finding finding = run_connection({.target = bound_to(listener)});

    CHECK(finding.outcome == Outcome::Passed);
    CHECK(finding.reason == "connected");
    CHECK(finding.duration.count() > 0);
    const UniqueFd accepted{::accept(listener.get(), nullptr, nullptr)};
    char byte = 0;
    CHECK(::recv(accepted.get(), &byte, 1, 0) == 0);  // FIN; a reset would be -1
}

TEST_CASE("a refused connection fails with its reason") {
    const UniqueFd closed = bind_only();

    const Finding finding = run_connection({.target = bound_to(closed)});

    CHECK(finding.outcome == Outcome::Failed);
    CHECK(finding.reason == "connection refused");
}

TEST_CASE("a server that does not answer times out after connect_timeout") {
    // effect: virtual_server/real_server/TCP_CHECK: connect_timeout
    const Blackhole silent;

    const Finding finding = run_connection({.target = silent.endpoint(), .connect_timeout = std::chrono::seconds{150}},
                                           [](Attempt&) { pass(std::chrono::seconds{151}); });

    CHECK(finding.outcome == Outcome::TimedOut);
    CHECK(finding.reason == "timed out after 150 s");
    CHECK(finding.duration >= std::chrono::seconds{150});
    CHECK(finding.duration < std::chrono::seconds{180});
}

TEST_CASE("the connection comes from the address and port that bindto and bind_port name") {
    const UniqueFd listener = listen_on_any();
    Endpoint source{IpAddress::parse("127.0.0.7").value(), 0};
    SUBCASE("any port") {}
    SUBCASE("a given port") {
        const UniqueFd probe = bind_only();
        source.port = bound_to(probe).port;
    }

    const Finding finding = run_connection({.target = bound_to(listener), .bind = source});

    CHECK(finding.outcome == Outcome::Passed);
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const UniqueFd accepted{::accept(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size)};
    CHECK(ntohl(peer.sin_addr.s_addr) == source.address.v4_host_order());
    if (source.port != 0) CHECK(ntohs(peer.sin_port) == source.port);
}

TEST_CASE("what is wrong on this host is no failure of the server") {
    const UniqueFd listener = listen_on_any();
    Connection check{.target = bound_to(listener)};
    SUBCASE("an address that is not here") {
        check.bind = Endpoint{IpAddress::parse("192.0.2.1").value(), 0};
        const Finding finding = run_connection(check);
        CHECK(finding.outcome == Outcome::NotRun);
        CHECK(finding.reason == "bind to 192.0.2.1:0: Cannot assign requested address");
    }
    SUBCASE("an interface that is not here") {
        check.bind_if = "nosuch0";
        CHECK(run_connection(check).outcome == Outcome::NotRun);
    }
}

TEST_CASE("a cancelled check ends at once and says so") {
    const Blackhole silent;

    const Finding finding = run_connection({.target = silent.endpoint(), .connect_timeout = kTimeout},
                                           [](Attempt& attempt) { attempt.cancel(); });

    CHECK(finding.outcome == Outcome::NotRun);
    CHECK(finding.reason == "cancelled");
}
