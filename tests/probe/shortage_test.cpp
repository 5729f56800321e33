// What this host lacks says nothing about the servers: no descriptor, no port, no such address or interface.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include "../needs.hpp"
#include "checks.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

namespace {

using Type = config::Checker::Type;
constexpr Type kConnecting[]{Type::Tcp, Type::Http, Type::Smtp, Type::Dns, Type::Udp, Type::Ping};

config::Checker any(Type type, const Endpoint& target) {
    auto one = checker_of(type, target);
    if (type == Type::Http)
        one.urls.edit().push_back({.path = "/", .digest = {}, .status_codes = {{200, 299}}, .virtualhost = {}});
    return one;
}

// No further descriptor while it lives. The loop's own are there before.
class NoDescriptors {
public:
    NoDescriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const UniqueFd next{::dup(0)};
        rlimit none = before_;
        none.rlim_cur = static_cast<rlim_t>(next.get());
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;

private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("without a descriptor no kind of check says anything about its server" * mainstay::test::kNeedsRoot) {
    const UniqueFd open = listen_on_any();
    for (const Type type : kConnecting) {
        CAPTURE(lvs::keyword_of(type));
        std::optional<NoDescriptors> none;
        const auto probe = any(type, bound_to(open));
        boost::asio::io_context loop;
        Toolbox tools{config::Config{}};
        std::optional<Finding> finding;
        const auto attempt = std::make_shared<Attempt>(loop.get_executor());
        none.emplace();
        spawn(loop.get_executor(), "test", keep_finding(probe_of(probe, 0, tools).value(), attempt, finding),
              [](const std::string&, const std::string&) {});
        run_to_its_end(loop);
        none.reset();
        REQUIRE(finding.has_value());
        CHECK(finding->outcome == Outcome::NotRun);
        CHECK(finding->reason == "socket: Too many open files");
    }
}

TEST_CASE("a source address or interface that is not there says nothing about the server" *
          mainstay::test::kNeedsRoot) {
    const UniqueFd open = listen_on_any();
    for (const Type type : kConnecting) {
        CAPTURE(lvs::keyword_of(type));
        auto what = any(type, bound_to(open));
        what.bind = std::optional{Endpoint{IpAddress::parse("192.0.2.77").value(), 0}};
        const Finding finding = run(what);
        CHECK(finding.outcome == Outcome::NotRun);
        CHECK(finding.reason.starts_with("bind to 192.0.2.77:0: "));
        what.bind.reset();
        what.bind_if = std::string{"nosuchif0"};
        CHECK(run(what).reason.starts_with("bind to interface nosuchif0: "));
        CHECK(run(what).outcome == Outcome::NotRun);
    }
}

TEST_CASE("no port left for a connection says nothing about the server") {
    const UniqueFd open = listen_on_any();
    auto what = any(Type::Tcp, bound_to(open));
    const UniqueFd reserved = bind_only();
    what.bind = std::optional{Endpoint{IpAddress::parse("127.0.0.7").value(), bound_to(reserved).port}};
    // The same four numbers are in use already.
    const UniqueFd twin{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const int on = 1;
    ::setsockopt(twin.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in from = loopback((*what.bind)->port);
    from.sin_addr.s_addr = htonl(0x7f000007);
    REQUIRE(::bind(twin.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
    const sockaddr_in to = loopback(what.target.port);
    REQUIRE(::connect(twin.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);

    const Finding finding = run(what);
    CHECK(finding.outcome == Outcome::NotRun);
    CHECK(finding.reason == "no local port, connect: Cannot assign requested address");
}

TEST_CASE("every connecting check carries its mark") {
    // effect: virtual_server/real_server/TCP_CHECK: fwmark
    const UniqueFd open = listen_on_any();
    auto what = any(Type::Tcp, bound_to(open));
    give(what, "fwmark", std::int64_t{7});
    const Finding finding = run(what);
    if (finding.reason.starts_with("set mark 7: ")) {
        MESSAGE("this account may not mark packets");
        CHECK(finding.outcome == Outcome::NotRun);
        return;
    }
    CHECK(finding.outcome == Outcome::Passed);
}
