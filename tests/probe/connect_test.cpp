// How connections are made and waited for: the socket's options, what arrives, what is given up.
#include <doctest/doctest.h>
#include <poll.h>

#include "checks.hpp"
#include "kernel_calls.hpp"
#include "probe/checks.hpp"
#include "probe/datagram.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

namespace {

using Type = config::Checker::Type;

// Two ends of a stream; the first one can be written to until it is filled.
struct Ends {
    Ends() {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
        here = UniqueFd{fds[0]};
        there = UniqueFd{fds[1]};
        const std::string some(4096, 'x');
        while (::send(here.get(), some.data(), some.size(), MSG_NOSIGNAL) > 0) {
        }
    }
    // Makes `here` writable, as a connection is once it is made.
    void drain() const {
        char bytes[4096];
        while (::recv(there.get(), bytes, sizeof bytes, 0) > 0) {
        }
    }
    UniqueFd here, there;
};

struct Watching {
    boost::asio::io_context loop;
    ConnectReactor& reactor = boost::asio::use_service<ConnectReactor>(loop);
    std::vector<std::string> seen;
    std::uint64_t watch(const Ends& ends, const std::string& name) {
        return reactor.watch(ends.here.get(),
                             [this, name](bool failed) { seen.push_back(name + (failed ? " failed" : "")); });
    }
    // So many have arrived.
    void until(std::size_t count) {
        loop.restart();
        const auto begun = std::chrono::system_clock::now();
        while (seen.size() < count && std::chrono::system_clock::now() - begun < kPatience) loop.run_one_for(1s);
    }
};

template <class T>
T option(int fd, int level, int name) {
    T value{};
    socklen_t size = sizeof value;
    CHECK(::getsockopt(fd, level, name, &value, &size) == 0);
    return value;
}

}  // namespace

TEST_CASE("each connection that is watched arrives once, made or failed, and a loop without any ends") {
    Watching watching;
    const Ends made, waiting;
    Ends broken;
    CHECK(watching.watch(made, "made") == 1);
    CHECK(watching.watch(broken, "broken") == 2);
    CHECK(watching.watch(waiting, "waiting") == 3);
    watching.loop.poll();
    CHECK(watching.seen.empty());
    made.drain();
    watching.until(1);
    CHECK(watching.seen == std::vector<std::string>{"made"});
    broken.there.reset();
    watching.until(2);
    CHECK(watching.seen == std::vector<std::string>{"made", "broken failed"});
    made.drain();
    watching.reactor.forget(3);
    watching.reactor.forget(3);
    watching.loop.restart();
    run_to_its_end(watching.loop);
    CHECK(watching.seen.size() == 2);
    // From the beginning again.
    CHECK(watching.watch(made, "again") == 0);  // watched already
    CHECK(errno == EEXIST);
    const Ends later;
    later.drain();
    watching.watch(later, "later");
    watching.loop.restart();
    run_to_its_end(watching.loop);
    CHECK(watching.seen.back() == "later");
}

TEST_CASE("of two that arrive together the first may forget the second") {
    Watching watching;
    const Ends ends[2];
    std::uint64_t numbers[2] = {0, 0};
    for (int i = 0; i < 2; ++i)
        numbers[i] = watching.reactor.watch(ends[i].here.get(), [&, i](bool) {
            watching.seen.push_back(std::to_string(i));
            watching.reactor.forget(numbers[1 - i]);
        });
    for (const Ends& one : ends) one.drain();
    run_to_its_end(watching.loop);
    CHECK(watching.seen.size() == 1);
}

TEST_CASE("more connections than one look takes arrive in one turn") {
    for (const std::size_t count : {127U, 128U, 300U}) {
        Watching watching;
        std::vector<Ends> many(count);
        for (const Ends& one : many) CHECK(watching.watch(one, "one of many") != 0);
        for (const Ends& one : many) one.drain();
        run_to_its_end(watching.loop);
        CHECK(watching.seen.size() == count);
    }
}

TEST_CASE("the loop is woken once for a connection that arrives, however many others wait") {
    Watching watching;
    const std::vector<Ends> many(20);
    for (const Ends& one : many) CHECK(watching.watch(one, "one of many") != 0);
    CHECK(watching.loop.poll() == 0);
    many[7].drain();
    CHECK(watching.loop.poll() == 1);
    CHECK(watching.seen.size() == 1);
}

TEST_CASE("where epoll has no descriptor left, nothing is watched and nothing said about the server") {
    KernelCalls calls;
    calls.epolls = 1;  // Asio's own
    const UniqueFd open = listen_on_any();
    const Finding finding = run(checker_of(Type::Tcp, bound_to(open)));
    CHECK(finding.outcome == Outcome::NotRun);
    CHECK(finding.reason == "watch a connection: Too many open files");
}

TEST_CASE("a connection that was not made in time is closed at once, not only with its attempt") {
    const Blackhole silent;
    bool open = true;
    const Finding finding = run(checker_of(Type::Tcp, silent.endpoint()), in_time(61s), {},
                                [&open](Attempt& attempt) { open = bool{attempt.state()->connecting}; });
    CHECK(finding.outcome == Outcome::TimedOut);
    CHECK_FALSE(open);
}

TEST_CASE("a socket that cannot be waited for says nothing about the server") {
    const UniqueFd nobody = bind_only();
    KernelCalls calls;
    calls.watch_error = ENOSPC;
    for (const Type type : {Type::Udp, Type::Dns}) {
        const Finding finding = run(checker_of(type, bound_to(nobody)));
        CHECK(finding.outcome == Outcome::NotRun);
        CHECK(finding.reason == "wait for the socket: No space left on device");
    }
}

TEST_CASE("a connection that the server takes late is made, and one whose server goes meanwhile is refused") {
    // The kernel tries again a second after the first one was dropped.
    auto full = listen_on_any(0);
    const sockaddr_in target = loopback(bound_to(full).port);
    std::vector<UniqueFd> fillers;
    for (int i = 0; i < 2; ++i) {
        fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        static_cast<void>(::connect(fillers.back().get(), reinterpret_cast<const sockaddr*>(&target), sizeof target));
    }
    const auto what = checker_of(Type::Tcp, bound_to(full));
    bool taken = true;
    SUBCASE("taken") {}
    SUBCASE("gone") { taken = false; }
    const Finding finding = run(what, [&](Attempt&) {
        fillers.clear();
        if (!taken) return full.reset();
        for (int i = 0; i < 2; ++i) fillers.emplace_back(::accept4(full.get(), nullptr, nullptr, SOCK_NONBLOCK));
    });
    CHECK(finding.outcome == (taken ? Outcome::Passed : Outcome::Failed));
    CHECK(finding.reason == (taken ? "connected" : "connection refused"));
    CHECK(finding.duration >= 500ms);
}

TEST_CASE("a socket is dressed as the checker says: mark, interface, source, and how its port is chosen") {
    const UniqueFd plain{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    CHECK(dress_socket(plain.get(), {.target = {}}).has_value());
    CHECK(option<int>(plain.get(), SOL_SOCKET, SO_REUSEADDR) == 0);
    CHECK(bound_to(plain).port == 0);

    const auto local = IpAddress::parse("127.0.0.9").value();
    const UniqueFd any{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    CHECK(dress_socket(any.get(), {.target = {}, .bind = Endpoint{local, 0}, .bind_if = "lo"}).has_value());
    CHECK(option<int>(any.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) == 1);
    CHECK(option<int>(any.get(), SOL_SOCKET, SO_REUSEADDR) == 0);
    CHECK(option<std::array<char, 16>>(any.get(), SOL_SOCKET, SO_BINDTODEVICE) == std::array<char, 16>{'l', 'o'});

    const UniqueFd given{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const std::uint16_t port = bound_to(bind_only()).port;
    CHECK(dress_socket(given.get(), {.target = {}, .bind = Endpoint{local, port}}).has_value());
    CHECK(option<int>(given.get(), SOL_SOCKET, SO_REUSEADDR) == 1);
    CHECK(option<int>(given.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) == 0);
    CHECK(bound_to(given).port == port);

    const UniqueFd marked{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const auto dressed = dress_socket(marked.get(), {.target = {}, .mark = 1});
    if (dressed)
        CHECK(option<std::uint32_t>(marked.get(), SOL_SOCKET, SO_MARK) == 1);
    else
        CHECK(dressed.error().text() == "set mark 1: Operation not permitted");
}

TEST_CASE("a check goes over IPv6 to a server that has only that") {
    const UniqueFd listener{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_addr = in6addr_loopback;
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
        MESSAGE("this host has no IPv6");
        return;
    }
    REQUIRE(::listen(listener.get(), 4) == 0);
    socklen_t size = sizeof any;
    REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&any), &size) == 0);
    const Endpoint there{IpAddress::parse("::1").value(), ntohs(any.sin6_port)};
    CHECK(run(checker_of(Type::Tcp, there)).reason == "connected");
    std::thread agent{[&] {
        for (int i = 0; i < 2; ++i) {
            const UniqueFd peer{::accept(listener.get(), nullptr, nullptr)};
            send_text(peer.get(), "up\n");
        }
    }};
    CHECK(run(checker_of(Type::Agent, there)).reason == "the agent says up");
    agent.join();

    const UniqueFd udp{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    any.sin6_port = 0;
    REQUIRE(::bind(udp.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
    REQUIRE(::getsockname(udp.get(), reinterpret_cast<sockaddr*>(&any), &size) == 0);
    const auto quiet = checker_of(Type::Udp, {there.address, ntohs(any.sin6_port)});
    CHECK(run(quiet, in_time(61s)).reason == "no error was received");
    char bytes[64];
    CHECK(::recv(udp.get(), bytes, sizeof bytes, MSG_DONTWAIT) == 32);
}

TEST_CASE("a server that no route leads to fails, whatever checks it") {
    const Endpoint nowhere{IpAddress::parse("192.0.2.1").value(), 80};
    for (const Type type : {Type::Tcp, Type::Agent, Type::Smtp, Type::Udp, Type::Dns}) {
        CAPTURE(lvs::keyword_of(type));
        KernelCalls calls;
        calls.connect_error = ENETUNREACH;
        const Finding finding = run(checker_of(type, nowhere));
        CHECK(finding.outcome == Outcome::Failed);
        const bool datagrams = type == Type::Udp || type == Type::Dns;
        CHECK(finding.reason == (datagrams ? "connect: Network is unreachable" : "network is unreachable"));
    }
}

TEST_CASE("a check that is not wanted any more when its turn comes does not go to the server") {
    for (const Type type : {Type::Tcp, Type::Agent, Type::Smtp, Type::Udp, Type::Dns}) {
        CAPTURE(lvs::keyword_of(type));
        const bool datagrams = type == Type::Udp || type == Type::Dns;
        const UniqueFd stream = listen_on_any();
        const UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        const sockaddr_in any = loopback(0);
        REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
        const Finding finding = run_cancelled(checker_of(type, bound_to(datagrams ? socket : stream)));
        CHECK(finding.outcome == Outcome::NotRun);
        CHECK(finding.reason == "cancelled");
        char byte = 0;
        CHECK(::recv(socket.get(), &byte, 1, MSG_DONTWAIT) < 0);
        pollfd knocks{.fd = stream.get(), .events = POLLIN, .revents = 0};
        CHECK(::poll(&knocks, 1, 0) == 0);
    }
}

TEST_CASE("a datagram socket hears of ICMP errors, and without one nothing is sent") {
    boost::asio::io_context loop;
    Attempt::State state{loop.get_executor()};
    const std::array<std::byte, 1> bytes{};
    CHECK(send_datagram(state, bytes).sys_errno == ECANCELED);
    const UniqueFd closed = bind_only();
    CHECK(open_datagram(state, {.target = bound_to(closed)}, SOCK_DGRAM, 0).result.has_value());
    CHECK(option<int>(state.datagrams.native_handle(), IPPROTO_IP, IP_RECVERR) == 1);
    state.close();
    CHECK(open_datagram(state, {.target = {IpAddress::parse("::1").value(), 9}}, SOCK_DGRAM, 0).result.has_value());
    CHECK(option<int>(state.datagrams.native_handle(), IPPROTO_IPV6, IPV6_RECVERR) == 1);
}

TEST_CASE("a later guard replaces an earlier one, and an attempt that has gone is not woken") {
    boost::asio::io_context loop;
    auto state = std::make_shared<Attempt::State>(loop.get_executor());
    state->guard(40s);
    state->guard(60s);
    pass(50s);
    loop.poll();
    CHECK_FALSE(state->expired);
    pass(11s);
    run_to_its_end(loop);
    CHECK(state->expired);
    auto gone = std::make_shared<Attempt::State>(loop.get_executor());
    gone->guard(60s);
    gone.reset();
    loop.restart();
    CHECK(loop.run() == 1);
    // It has come to its end already when the attempt goes.
    auto late = std::make_shared<Attempt::State>(loop.get_executor());
    boost::asio::steady_timer first{loop, 1s};
    first.async_wait([&](const boost::system::error_code&) { late.reset(); });
    late->guard(2s);
    pass(3s);
    loop.restart();
    run_to_its_end(loop);
    CHECK(late == nullptr);
}
