// What an error of the kernel says about the server: one table, which every kind of check uses, for each call that
// reaches for the server.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "checks.hpp"
#include "kernel_calls.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using lvs::Outcome;

namespace {

using Type = config::Checker::Type;
constexpr Type kStreams[]{Type::Tcp, Type::Http, Type::Ssl, Type::Smtp, Type::Grpc, Type::Agent};
constexpr Type kTalking[]{Type::Http, Type::Ssl, Type::Smtp, Type::Grpc, Type::Agent};
constexpr Type kDatagrams[]{Type::Dns, Type::Udp, Type::Ping};

struct Said {
    int sys_errno;
    Outcome outcome;
    const char* of_connect;  // the reason
};
constexpr auto kFailed = Outcome::Failed, kNotRun = Outcome::NotRun;

// Where each one comes from, as connect(), send() and the error of a socket were seen to have it.
constexpr Said kSaid[]{
    // a listener that is not there, a reset, ICMP or a route that says "unreachable"
    {ECONNREFUSED, kFailed, "connection refused"},
    {ECONNRESET, kFailed, "connection reset by peer"},
    {EPIPE, kFailed, "broken pipe"},
    {EHOSTUNREACH, kFailed, "no route to host"},
    {EHOSTDOWN, kFailed, "host is down"},
    {ENETUNREACH, kFailed, "network is unreachable"},
    {ENETDOWN, kFailed, "network is down"},
    {ETIMEDOUT, Outcome::TimedOut, "connection timed out"},
    // a blackhole route, a prohibit route (or ICMPv6 "administratively prohibited"), a drop in OUTPUT
    {EINVAL, kFailed, "connect: invalid argument (a blackhole route?)"},
    {EACCES, kFailed, "connect: permission denied (prohibited by a route or a firewall?)"},
    {EPERM, kFailed, "connect: operation not permitted (this host's firewall?)"},
    {EADDRNOTAVAIL, kFailed, "connect: cannot assign requested address (no address of this host reaches it?)"},
    // other codes of ICMP, and what nobody has thought of
    {ENOPROTOOPT, kFailed, "connect: protocol not available"},
    {EPROTO, kFailed, "connect: protocol error"},
    {EMSGSIZE, kFailed, "connect: message too long"},
    {ENONET, kFailed, "connect: machine is not on the network"},
    {EOPNOTSUPP, kFailed, "connect: operation not supported"},
    {EAFNOSUPPORT, kFailed, "connect: address family not supported by protocol"},
    {EXDEV, kFailed, "connect: invalid cross-device link"},
    // no descriptor, no memory, no local port: nothing of the server
    {EMFILE, kNotRun, "connect: too many open files"},
    {ENFILE, kNotRun, "connect: too many open files in system"},
    {ENOMEM, kNotRun, "connect: cannot allocate memory"},
    {ENOBUFS, kNotRun, "connect: no buffer space available"},
    {EAGAIN, kNotRun, "connect: resource temporarily unavailable"},
    {EINTR, kNotRun, "connect: interrupted system call"},
    {ECANCELED, kNotRun, "connect: operation canceled"},
};

config::Checker checker_for(Type type, const Endpoint& target) {
    auto one = checker_of(type, target);
    if (type == Type::Http || type == Type::Ssl)
        one.urls.edit().push_back({.path = "/", .digest = {}, .status_codes = {{200, 299}}, .virtualhost = {}});
    if (type == Type::Udp) give(one, "require_reply", config::WordList{});
    return one;
}

// A server that echoes datagrams and says nothing over connections, whose checks have these calls go wrong.
Finding with_errors(Type type, const std::function<void(KernelCalls&)>& change) {
    const UniqueFd stream = listen_on_any();
    DatagramServer datagrams{[](const std::string& came) { return std::vector{came}; }};
    const bool packets = std::ranges::find(kDatagrams, type) != std::end(kDatagrams);
    KernelCalls calls;
    calls.icmp = datagrams.endpoint();
    change(calls);
    return run(checker_for(type, packets ? datagrams.endpoint() : bound_to(stream)));
}

std::string small(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

}  // namespace

TEST_CASE("each error of connect() says the same of the server to every kind of check") {
    for (const Said& row : kSaid) {
        CAPTURE(row.of_connect);
        const auto change = [&row](KernelCalls& calls) { calls.connect_error = row.sys_errno; };
        for (const Type type : kStreams) {
            CAPTURE(lvs::keyword_of(type));
            const Finding finding = with_errors(type, change);
            CHECK(finding.outcome == row.outcome);
            CHECK(finding.reason == row.of_connect);
        }
        for (const Type type : kDatagrams) {
            CAPTURE(lvs::keyword_of(type));
            const Finding finding = with_errors(type, change);
            CHECK(finding.outcome == row.outcome);
            CHECK(finding.reason.starts_with("connect: "));
            CHECK(small(finding.reason).ends_with(row.of_connect));
        }
    }
}

TEST_CASE("an error of send() or of the error queue says what one of connect() does") {
    for (const Said& row : kSaid) {
        CAPTURE(row.of_connect);
        for (const Type type : kDatagrams) {
            CAPTURE(lvs::keyword_of(type));
            if (row.sys_errno != EINTR)  // then it is sent and read again
                CHECK(with_errors(type, [&row](KernelCalls& calls) { calls.send_errors = {row.sys_errno}; }).outcome ==
                      row.outcome);
            if (row.sys_errno == EINTR || row.sys_errno == EAGAIN) continue;
            CHECK(with_errors(type, [&row](KernelCalls& calls) { calls.recv_errors = {row.sys_errno}; }).outcome ==
                  row.outcome);
        }
    }
}

TEST_CASE("an error while a stream is read or written says the same") {
    for (const Said& row : kSaid) {
        CAPTURE(row.of_connect);
        // They are waited for and tried again; a reset ends an answer that may be whole.
        if (row.sys_errno == EINTR || row.sys_errno == EAGAIN) continue;
        for (const Type type : kTalking) {
            CAPTURE(lvs::keyword_of(type));
            const int error = row.sys_errno;
            CHECK(with_errors(type, [error](KernelCalls& calls) { calls.stream_errors = {error, error}; }).outcome ==
                  row.outcome);
            if (type == Type::Smtp || type == Type::Agent) continue;  // they begin with a read
            CHECK(with_errors(type, [error](KernelCalls& calls) { calls.stream_errors = {0, error, error}; }).outcome ==
                  row.outcome);
        }
    }
}

TEST_CASE("the numbers of Asio's own errors are not the kernel's") {
    boost::asio::io_context loop;
    const Attempt::State state{loop.get_executor()};
    // Its number is that of EPERM.
    const boost::system::error_code open{boost::asio::error::already_open};
    REQUIRE(open.value() == EPERM);
    CHECK(finding_of(state, open, "read").outcome == kFailed);
    CHECK(finding_of(state, open, "read").reason == "read: already open");
    CHECK(finding_of(state, boost::asio::error::eof, "read").outcome == kFailed);
    CHECK(finding_of(state, boost::asio::error::eof, "read").reason == "read: end of file");
}

TEST_CASE("an address of this host without a free port is no fault of the server, one that it lacks is one") {
    KernelCalls calls;
    const UniqueFd open = listen_on_any();
    calls.stream_connect_error = EADDRNOTAVAIL;
    const Finding ports = run(checker_of(Type::Tcp, bound_to(open)));
    CHECK(ports.outcome == kNotRun);
    CHECK(ports.reason == "no local port, connect: Cannot assign requested address");
    calls.connect_error = EADDRNOTAVAIL;
    CHECK(run(checker_of(Type::Tcp, bound_to(open))).outcome == kFailed);
}

TEST_CASE("what fails before the server is reached for is this host's own, whatever the number") {
    for (const int own : {EACCES, EPERM, EINVAL, EAFNOSUPPORT, EMFILE}) {
        CAPTURE(own);
        const Finding finding = with_errors(Type::Ping, [own](KernelCalls& calls) { calls.icmp_error = own; });
        CHECK(finding.outcome == kNotRun);
        CHECK(finding.reason.starts_with("socket: "));
    }
}
