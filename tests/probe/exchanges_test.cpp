// What an operator reads of checks that send a line or a datagram: what was wrong with the answer, what this host
// lacks, what was cancelled.
#include <array>

#include "checks.hpp"
#include "kernel_calls.hpp"
#include "probe/checks.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

namespace {

using Type = config::Checker::Type;

Finding streamed(Type type, const std::function<void(int)>& talk,
                 const std::function<void(config::Checker&)>& change = {}) {
    StreamServer server{talk};
    auto what = checker_of(type, server.endpoint());
    if (change) change(what);
    return run(what);
}

void reset(int fd) {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

// What a name server that answers, or a service that echoes, is found to be when these calls go wrong.
Finding with_calls(Type type, const std::function<void(KernelCalls&)>& change) {
    DatagramServer server{[](const std::string& came) {
        std::string answer = came;
        answer[2] = static_cast<char>(0x81);
        return std::vector{answer};
    }};
    KernelCalls calls;
    change(calls);
    return run(checker_of(type, server.endpoint()));
}

Finding udp_reply(const std::string& reply, std::int64_t least, std::int64_t most) {
    DatagramServer server{[&](const std::string&) { return std::vector{reply}; }};
    auto what = checker_of(Type::Udp, server.endpoint());
    give(what, "require_reply", config::WordList{"70"});
    give(what, "min_reply_length", least);
    give(what, "max_reply_length", most);
    return run(what);
}

}  // namespace

TEST_CASE("a datagram that this host has no room to send says nothing about the server") {
    for (const Type type : {Type::Udp, Type::Dns}) {
        CAPTURE(lvs::keyword_of(type));
        for (const int shortage : {ENOBUFS, ENOMEM, EAGAIN}) {
            const Finding finding =
                with_calls(type, [shortage](KernelCalls& calls) { calls.send_errors = {shortage}; });
            CHECK(finding.outcome == Outcome::NotRun);
            CHECK(finding.reason.starts_with("send: "));
        }
    }
}

TEST_CASE("a datagram that cannot get to the server fails the check, with keepalived's words for DNS") {
    const auto unsent = [](KernelCalls& calls) { calls.send_errors = {EHOSTUNREACH}; };
    CHECK(with_calls(Type::Udp, unsent).outcome == Outcome::Failed);
    CHECK(with_calls(Type::Udp, unsent).reason == "send: No route to host");
    CHECK(with_calls(Type::Dns, unsent).outcome == Outcome::Failed);
    CHECK(with_calls(Type::Dns, unsent).reason == "send: No route to host");
    CHECK(with_calls(Type::Dns, unsent).words == "send error");
    CHECK(with_calls(Type::Udp, [](KernelCalls& calls) { calls.send_errors = {EMSGSIZE}; }).outcome == Outcome::Failed);
    const auto unroutable = [](KernelCalls& calls) { calls.connect_error = EHOSTUNREACH; };
    CHECK(with_calls(Type::Dns, unroutable).words == "connection failed");
    CHECK(with_calls(Type::Dns, unroutable).reason == "connect: No route to host");
    CHECK(with_calls(Type::Dns, [](KernelCalls& calls) { calls.connect_error = EACCES; }).words == "connection failed");
}

TEST_CASE("an odd error while the answer is waited for fails the check") {
    const auto odd = [](KernelCalls& calls) { calls.recv_errors = {EPROTO}; };
    CHECK(with_calls(Type::Udp, odd).outcome == Outcome::Failed);
    CHECK(with_calls(Type::Udp, odd).reason == "read: protocol error");
    CHECK(with_calls(Type::Dns, odd).outcome == Outcome::Failed);
    CHECK(with_calls(Type::Dns, odd).words == "failed to read socket; errno 71 (Protocol error)");
    const auto early = [](KernelCalls& calls) {
        calls.send_errors = {EINTR, EINTR};
        calls.recv_errors = {EINTR, EAGAIN};
    };
    CHECK(with_calls(Type::Udp, early).reason == "replied");
    CHECK(with_calls(Type::Dns, early).reason == "answered");
}

TEST_CASE("what is wrong with a UDP reply is reported") {
    CHECK(udp_reply("pong", 5, 6).reason == "a reply of 4 bytes, not of 5 to 6");
    CHECK(udp_reply("pong", 2, 3).reason == "a reply of 4 bytes, not of 2 to 3");
    CHECK(udp_reply("pong", 4, 4).reason == "replied");
    CHECK(udp_reply("ping", 4, 4).reason == "replied");
    CHECK(udp_reply("ring", 4, 4).reason == "the reply does not match");
}

TEST_CASE("datagrams are not waited for by a check that is cancelled") {
    for (const Type type : {Type::Udp, Type::Dns}) {
        CAPTURE(lvs::keyword_of(type));
        Canceller canceller;
        DatagramServer server{[&](const std::string&) {
            canceller.cancel();
            return std::vector<std::string>{};
        }};
        const Finding finding = run(checker_of(type, server.endpoint()), canceller.begun());
        CHECK(finding.outcome == Outcome::NotRun);
        CHECK(finding.reason == "cancelled");
    }
}

TEST_CASE("answers are not waited for by a check that is cancelled in the middle of its exchange") {
    for (const Type type : {Type::Agent, Type::Smtp}) {
        CAPTURE(lvs::keyword_of(type));
        Canceller canceller;
        const auto talk = [&](int fd) {
            send_text(fd, "220 mx\r\n");
            if (type == Type::Smtp) hear_line(fd);
            canceller.cancel();
            hear_line(fd);
        };
        StreamServer server{type == Type::Smtp ? std::function<void(int)>{talk} : [&](int fd) {
            hear_line(fd);
            canceller.cancel();
            hear_line(fd);
        }};
        auto what = checker_of(type, server.endpoint());
        give(what, "send", config::WordList{R"(state\n)"});
        const Finding finding = run(what, canceller.begun());
        CHECK(finding.outcome == Outcome::NotRun);
        CHECK(finding.reason == "cancelled");
    }
}

TEST_CASE("a DNS_CHECK whose name is none goes to its server and asks for the root; a name of its own is refused") {
    auto what = checker_of(Type::Dns, {IpAddress::parse("192.0.2.1").value(), 53});
    give(what, "name", config::WordList{"a..b"});
    give(what, "type", config::WordList{"MX"});
    const DnsCheck check = dns_check_of(what);
    CHECK(check.connection.target == what.target);
    CHECK(check.question.type == wire::DnsType::MX);
    CHECK(check.question.name.empty());
    auto longest = checker_of(Type::Dns, what.target);
    give(longest, "name", config::WordList{std::string(64, 'x')});
    CHECK(dns_check_of(longest).question.name.empty());

    boost::asio::io_context loop;
    std::optional<Finding> finding;
    DnsCheck odd = check;
    odd.question.name = "a..b";
    spawn(loop.get_executor(), "test",
          keep_finding({"", [&](std::shared_ptr<Attempt> attempt) { return dns_check(odd, std::move(attempt)); }},
                       std::make_shared<Attempt>(loop.get_executor()), finding),
          [](const std::string&, const std::string&) {});
    run_to_its_end(loop);
    REQUIRE(finding.has_value());
    CHECK(finding->outcome == Outcome::Failed);
    CHECK(finding->reason == "'a..b' is no DNS name");
    CHECK(finding->words == "'a..b' is no DNS name");
}

TEST_CASE("an agent's answer may come in pieces, without a line's end, and of any printable text") {
    CHECK(streamed(Type::Agent, [](int fd) {
              send_text(fd, "75");
              send_text(fd, "% up\n");
              hear_line(fd);
          }).reason == "the agent says 75%");
    CHECK(streamed(Type::Agent, [](int fd) { send_text(fd, "~ !\x7f\x1f\n"); }).reason ==
          "the agent's answer is not understood: '~ !?"
          "?'");
    const std::string longest = "up#" + std::string(1020, 'x');
    CHECK(streamed(Type::Agent, [&](int fd) { send_text(fd, longest); }).outcome == Outcome::Passed);
    CHECK(streamed(Type::Agent, [&](int fd) { send_text(fd, longest + "x"); }).reason ==
          "the agent's line is longer than 1024 bytes");
    // It is enough to know that it is too long.
    CHECK(streamed(Type::Agent, [&](int fd) {
              send_text(fd, longest + "x");
              hear_line(fd);
          }).reason == "the agent's line is longer than 1024 bytes");
    CHECK(streamed(Type::Agent, [](int fd) { send_text(fd, std::string(40, 'y') + "z\n"); }).reason ==
          "the agent's answer is not understood: '" + std::string(40, 'y') + "'");
}

TEST_CASE("an agent or a mail server that does not read what it is sent has timed out") {
    const auto unread = [](Type type, const char* keyword) {
        const UniqueFd listener = listen_on_any();
        UniqueFd peer;  // open until the check has ended
        std::optional<FlyingTime> time;
        std::thread server{[&] {
            peer = UniqueFd{::accept(listener.get(), nullptr, nullptr)};
            send_text(peer.get(), "220 mx\r\n");
            char first = 0;
            static_cast<void>(::recv(peer.get(), &first, 1, 0));
            time.emplace();
        }};
        auto what = checker_of(type, bound_to(listener));
        give(what, keyword, config::WordList{std::string(20'000'000, 'x')});
        Finding finding = run(what);
        server.join();
        return finding;
    };
    const Finding agent = unread(Type::Agent, "send");
    CHECK(agent.outcome == Outcome::TimedOut);
    CHECK(agent.reason == "timed out after 60 s");
    const Finding mail = unread(Type::Smtp, "helo_name");
    CHECK(mail.outcome == Outcome::TimedOut);
    CHECK(mail.reason == "timed out after 60 s");
    CHECK(mail.words == "Read timeout from server");
}

TEST_CASE("what a mail server did is reported: its code, that it closed or reset the connection") {
    const auto mail = [](const std::function<void(int)>& talk) { return streamed(Type::Smtp, talk); };
    const Finding good = mail([](int fd) {
        send_text(fd, "220 mx\r\n");
        hear_line(fd);
        send_text(fd, "250 mx\r\n");
        hear_line(fd);
        send_text(fd, "221 bye\r\n");
    });
    CHECK(good.outcome == Outcome::Passed);
    CHECK(good.reason == "SMTP status code 250");
    const Finding refused = mail([](int fd) {
        send_text(fd, "220 mx\r\n");
        hear_line(fd);
        send_text(fd, "550 no\r\n");
    });
    CHECK(refused.outcome == Outcome::Failed);
    CHECK(refused.reason == "SMTP status code 550");
    const Finding closed = mail([](int) {});
    CHECK(closed.outcome == Outcome::Failed);
    CHECK(closed.reason == "closed by the server");
    CHECK(closed.words == "Connection closed by server");
    const Finding cut = mail(reset);
    CHECK(cut.outcome == Outcome::Failed);
    CHECK(cut.reason == "connection reset by peer");
    // The greeting's code is no answer to HELO.
    CHECK(mail([](int fd) {
              send_text(fd, "220 mx\r\n");
              hear_line(fd);
              send_text(fd, "220 mx\r\n");
          }).words == "Bad HELO response from server");
    CHECK(mail([](int fd) { send_text(fd, "250 mx\r\n"); }).words == "Bad greeting banner from server");
    CHECK(mail([](int fd) {
              for (const char c : std::string{"220 mx\r\n"}) send_text(fd, {&c, 1});
              hear_line(fd);
              send_text(fd, "250-mx\r\n");
              send_text(fd, "250 mx\r\n");
              hear_line(fd);
              send_text(fd, "5");
              send_text(fd, "00 what\r\n");
          }).outcome == Outcome::Passed);
}

TEST_CASE("a request or a handshake that is cancelled says nothing about the server") {
    for (const Type type : {Type::Http, Type::Ssl, Type::Grpc}) {
        for (const char* protocol : {"1.1", "2"}) {
            CAPTURE(lvs::keyword_of(type));
            CAPTURE(protocol);
            Canceller canceller;
            StreamServer server{[&](int fd) {
                std::array<char, 4096> bytes{};
                static_cast<void>(::recv(fd, bytes.data(), bytes.size(), 0));
                canceller.cancel();
                while (::recv(fd, bytes.data(), bytes.size(), 0) > 0) {
                }
            }};
            auto what = checker_of(type, server.endpoint());
            what.http_protocol = std::string{protocol};
            what.urls.edit().push_back({.path = "/", .digest = {}, .status_codes = {{200, 299}}, .virtualhost = {}});
            const Finding finding = run(what, canceller.begun());
            CHECK(finding.outcome == Outcome::NotRun);
            CHECK(finding.reason == "cancelled");
        }
    }
}

TEST_CASE("an answer that goes on is not read on by a check that is cancelled") {
    for (const char* protocol : {"1.1", "2"}) {
        CAPTURE(protocol);
        Canceller canceller;
        StreamServer server{[&](int fd) {
            std::array<char, 4096> bytes{};
            static_cast<void>(::recv(fd, bytes.data(), bytes.size(), 0));
            // An empty frame of settings; in HTTP/1 the beginning of a header.
            send_text(fd, protocol == std::string_view{"2"} ? std::string_view{"\0\0\0\4\0\0\0\0\0", 9}
                                                            : "HTTP/1.1 200 OK\r\n");
            static_cast<void>(protocol == std::string_view{"2"} ? ::recv(fd, bytes.data(), bytes.size(), 0) : 0);
            canceller.cancel();
            while (::recv(fd, bytes.data(), bytes.size(), 0) > 0) {
            }
        }};
        auto what = checker_of(Type::Http, server.endpoint());
        what.http_protocol = std::string{protocol};
        what.urls.edit().push_back({.path = "/", .digest = {}, .status_codes = {{200, 299}}, .virtualhost = {}});
        const Finding finding = run(what, canceller.begun());
        CHECK(finding.outcome == Outcome::NotRun);
        CHECK(finding.reason == "cancelled");
    }
}
