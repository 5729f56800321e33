// What is decided without a server: errors, addresses, options of a checker, patterns, what a toolbox holds.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>

#include "mainstay/probe/probe.hpp"
#include "mainstay/probe/regex.hpp"
#include "mainstay/probe/toolbox.hpp"
#include "probe/checks.hpp"
#include "probe/connect.hpp"
#include "probe/datagram.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using lvs::Outcome;

namespace {

using Type = config::Checker::Type;

void set_keyword(config::Checker& checker, std::string keyword, config::KeywordData data) {
    checker.more.edit().values.push_back({std::move(keyword), std::move(data)});
}

Endpoint target() { return {IpAddress::parse("192.0.2.1").value(), 8080}; }

config::Checker of(Type type) {
    config::Checker one;
    one.type = type;
    one.target = target();
    return one;
}

std::string hex(const std::vector<UdpCheck::Wanted>& pattern) {
    std::string text;
    for (const auto& one : pattern)
        text += fmt::format("{:02x}/{:02x} ", std::to_integer<int>(one.value), std::to_integer<int>(one.mask));
    return text;
}
std::string pattern_of(config::WordList words) {
    auto one = of(Type::Udp);
    set_keyword(one, "require_reply", std::move(words));
    return hex(udp_check_of(one).pattern);
}

config::VirtualServer serving(config::Checker checker) {
    config::VirtualServer service;
    config::RealServer server;
    server.checkers = {config::Checker{}, std::move(checker)};
    service.real_servers = {config::RealServer{}, server};
    return service;
}
config::Checker with_url(config::HttpUrl url) {
    auto one = of(Type::Http);
    one.urls.edit() = {config::HttpUrl{}, std::move(url)};
    return one;
}
config::HttpUrl with_regex(const char* pattern) {
    config::HttpUrl url;
    url.more.edit().values.push_back({"regex", config::WordList{pattern}});
    return url;
}

}  // namespace

TEST_CASE("an error on a connection: cancelled before expired, expired before all else") {
    boost::asio::io_context loop;
    const auto finding = [&loop](int error, bool cancelled, bool expired) {
        Attempt::State state{loop.get_executor()};
        state.cancelled = cancelled, state.expired = expired, state.timeout = Micros{1'500'000};
        return finding_of(state, {error, boost::system::system_category()}, "connect");
    };
    CHECK(finding(0, false, false).outcome == Outcome::Passed);
    CHECK(finding(0, false, false).reason == "connected");
    CHECK(finding(ECONNREFUSED, true, true).outcome == Outcome::NotRun);
    CHECK(finding(ECONNREFUSED, true, false).reason == "cancelled");
    CHECK(finding(ECONNREFUSED, false, true).outcome == Outcome::TimedOut);
    CHECK(finding(0, false, true).reason == "timed out after 1.5 s");
    CHECK(finding(ETIMEDOUT, false, false).outcome == Outcome::TimedOut);
    CHECK(finding(ETIMEDOUT, false, false).reason == "connection timed out");
    CHECK(finding(EHOSTUNREACH, false, false).outcome == Outcome::Failed);
    CHECK(finding(EHOSTUNREACH, false, false).reason == "no route to host");
    CHECK(finding(EMFILE, false, false).outcome == Outcome::NotRun);
    CHECK(finding(EMFILE, false, false).reason == "connect: too many open files");
}

TEST_CASE("an endpoint becomes the kernel's address of its family") {
    socklen_t size = 0;
    const auto v4 = to_sockaddr(target(), size);
    CHECK(size == sizeof(sockaddr_in));
    CHECK(v4.ss_family == AF_INET);
    sockaddr_in four{};
    std::memcpy(&four, &v4, sizeof four);
    CHECK(ntohs(four.sin_port) == 8080);
    CHECK(ntohl(four.sin_addr.s_addr) == 0xc0000201U);
    const auto v6 = to_sockaddr({IpAddress::parse("2001:db8::7").value(), 53}, size);
    CHECK(size == sizeof(sockaddr_in6));
    CHECK(v6.ss_family == AF_INET6);
    sockaddr_in6 six{};
    std::memcpy(&six, &v6, sizeof six);
    CHECK(ntohs(six.sin6_port) == 53);
    CHECK(six.sin6_addr.s6_addr[0] == 0x20);
    CHECK(six.sin6_addr.s6_addr[15] == 7);
    CHECK(six.sin6_scope_id == 0);
}

TEST_CASE("a connection has what the checker says of it") {
    auto one = of(Type::Tcp);
    one.bind_if = "eth1";
    one.connect_timeout = Micros{7};
    CHECK(connection_of(one).mark == 0);
    set_keyword(one, "fwmark", std::int64_t{4'294'967'295});
    const Connection connection = connection_of(one);
    CHECK(connection.target == target());
    CHECK(connection.bind_if == "eth1");
    CHECK(connection.connect_timeout == Micros{7});
    CHECK(connection.mark == 4'294'967'295U);
}

TEST_CASE("digits of a UDP pattern: each bound of hex, an x for any, blanks between") {
    CHECK(pattern_of({"09afAF"}) == "09/ff af/ff af/ff ");
    CHECK(pattern_of({"x0", "0x", "xx"}) == "00/0f 00/f0 00/00 ");
    CHECK(pattern_of({"gG", "/:", "@`"}) == "00/00 00/00 00/00 ");
    CHECK(pattern_of({"7"}) == "07/ff ");
    CHECK(pattern_of({"x"}) == "00/f0 ");
    CHECK(pattern_of({"7 8\t9"}) == "07/ff 08/ff 09/ff ");
    CHECK(pattern_of({" \t12  34 "}) == "12/ff 34/ff ");
    CHECK(pattern_of({"123"}) == "12/ff 03/ff ");
    CHECK(pattern_of({}).empty());
}

TEST_CASE("a UDP check without words sends keepalived's payload and wants nothing") {
    const UdpCheck plain = udp_check_of(of(Type::Udp));
    CHECK_FALSE(plain.reply_required);
    CHECK(plain.payload.size() == 32);
    CHECK(plain.reply_min == 0);
    CHECK(plain.reply_max == 255);
    auto told = of(Type::Udp);
    set_keyword(told, "min_reply_length", std::int64_t{3});
    set_keyword(told, "max_reply_length", std::int64_t{4});
    set_keyword(told, "require_reply", config::WordList{});
    CHECK(udp_check_of(told).reply_required);
    CHECK(udp_check_of(told).reply_min == 3);
    CHECK(udp_check_of(told).reply_max == 4);
}

TEST_CASE("an agent, a mail and a name check have the words of their checker, or the usual ones") {
    auto agent = of(Type::Agent);
    CHECK(agent_check_of(agent).send.empty());
    set_keyword(agent, "send", config::WordList{});
    CHECK(agent_check_of(agent).send.empty());
    CHECK(without_escapes("") == "");
    CHECK(without_escapes(R"(\r\n\t\\\q\)") == "\r\n\t\\\\q\\");
    CHECK(without_escapes("ab") == "ab");

    auto mail = of(Type::Smtp);
    CHECK(smtp_check_of(mail).helo == "smtpchecker.keepalived.org");
    set_keyword(mail, "helo_name", config::WordList{"me"});
    CHECK(smtp_check_of(mail).helo == "me");
    auto empty = of(Type::Smtp);
    set_keyword(empty, "helo_name", config::WordList{});
    CHECK(smtp_check_of(empty).helo == "smtpchecker.keepalived.org");

    auto name = of(Type::Dns);
    CHECK(dns_check_of(name).question.type == wire::DnsType::SOA);
    CHECK(dns_check_of(name).question.name.empty());
    set_keyword(name, "name", config::WordList{"x..y"});
    set_keyword(name, "type", config::WordList{"bogus"});
    CHECK(dns_check_of(name).question.name.empty());
    CHECK(dns_check_of(name).question.type == wire::DnsType::SOA);
    auto good = of(Type::Dns);
    set_keyword(good, "name", config::WordList{"x.y"});
    set_keyword(good, "type", config::WordList{"MX"});
    CHECK(dns_check_of(good).question.name == "x.y");
    CHECK(dns_check_of(good).question.type == wire::DnsType::MX);
    auto blank = of(Type::Dns);
    set_keyword(blank, "name", config::WordList{});
    set_keyword(blank, "type", config::WordList{});
    CHECK(dns_check_of(blank).question.type == wire::DnsType::SOA);
}

TEST_CASE("TLS is for SSL_GET, and for a GRPC_CHECK that asks for it") {
    CHECK(uses_tls(of(Type::Ssl)));
    CHECK_FALSE(uses_tls(of(Type::Http)));
    CHECK_FALSE(uses_tls(of(Type::Grpc)));
    auto grpc = of(Type::Grpc), http = of(Type::Http);
    set_keyword(grpc, "tls", true);
    set_keyword(http, "tls", true);
    CHECK(uses_tls(grpc));
    CHECK_FALSE(uses_tls(http));
    auto without = of(Type::Grpc);
    set_keyword(without, "tls", false);
    CHECK_FALSE(uses_tls(without));
}

TEST_CASE("tools are needed for TLS, a digest and a regex") {
    config::HttpUrl digest;
    digest.digest = "0123";
    CHECK(needs_tools(serving(of(Type::Ssl))));
    CHECK(needs_tools(serving(with_url(digest))));
    CHECK(needs_tools(serving(with_url(with_regex("ok")))));
    CHECK_FALSE(needs_tools(serving(with_url({}))));
    CHECK_FALSE(needs_tools(serving(of(Type::Tcp))));
    CHECK_FALSE(needs_tools({}));
}

TEST_CASE("a pattern is compiled once, and reported once when it is none") {
    config::Config config;
    config.virtual_servers = {serving(with_url(with_regex("o(k"))), serving(with_url(with_regex("o(k"))),
                              serving(with_url(with_regex("ok")))};
    Toolbox tools{config};
    CHECK(tools.problems() ==
          std::vector<std::string>{"Invalid regex: 'o(k' at offset 3: missing closing parenthesis"});
    const auto first = tools.regex(with_regex("ok")), again = tools.regex(with_regex("ok")),
               other = tools.regex(with_regex("no"));
    REQUIRE(first.has_value());
    CHECK(*first == *again);
    CHECK(*first != *other);
    CHECK(*tools.regex(config::HttpUrl{}) == nullptr);
    CHECK_FALSE(tools.regex(with_regex("o(k")).has_value());
    auto late = with_regex("ok");
    late.more.edit().values.push_back({"regex_max_offset", std::int64_t{5}});
    CHECK(*tools.regex(late) != *first);
    CHECK(regex_problem(with_regex("ok")).empty());
    CHECK(regex_problem({}).empty());
    CHECK(regex_problem(with_regex("o(k")) == "Invalid regex: 'o(k' at offset 3: missing closing parenthesis");
}

TEST_CASE("the words of a url about its regex") {
    CHECK_FALSE(regex_words_of({}).has_value());
    auto url = with_regex("p");
    auto plain = regex_words_of(url);
    REQUIRE(plain.has_value());
    CHECK_FALSE(plain->must_not_match);
    CHECK(plain->min_offset == 0);
    CHECK_FALSE(plain->max_offset.has_value());
    CHECK(plain->stack_start == 0);
    CHECK(plain->stack_max == 0);
    auto& values = url.more.edit().values;
    values.push_back({"regex_options", config::WordList{"caseless", "utf"}});
    values.push_back({"regex_options", config::WordList{"dotall"}});
    values.push_back({"regex_no_match", true});
    values.push_back({"regex_min_offset", std::int64_t{3}});
    values.push_back({"regex_max_offset", std::int64_t{9}});
    values.push_back({"regex_stack", config::IntegerList{11, 22}});
    const auto words = regex_words_of(url);
    REQUIRE(words.has_value());
    CHECK(words->pattern == "p");
    CHECK(words->options == std::vector<std::string>{"caseless", "utf", "dotall"});
    CHECK(words->must_not_match);
    CHECK(words->min_offset == 3);
    CHECK(words->max_offset == 9);
    CHECK(words->stack_start == 11);
    CHECK(words->stack_max == 22);
    config::HttpUrl empty;
    empty.more.edit().values.push_back({"regex", config::WordList{}});
    CHECK_FALSE(regex_words_of(empty).has_value());
}

TEST_CASE("escapes of a regex at their bounds") {
    CHECK(regex_unescaped("").empty());
    CHECK(regex_unescaped(R"(\a\b\e\f\n\r\t\v\E)") == "\a\be\f\n\r\t\v\x1b");
    CHECK(regex_unescaped(R"(\x)") == "x");
    CHECK(regex_unescaped(R"(\x9)") == "\x09");
    CHECK(regex_unescaped(R"(\xaf\xAF\x0g)") == std::string{"\xaf\xaf\0g", 4});
    CHECK(regex_unescaped(R"(\x411 \x41142)") == "\x11 B");  // any number of digits, of which the last byte counts
    CHECK(regex_unescaped(R"(\cA\c[\c)") ==
          "\x01\x1b"
          "c");
    CHECK(regex_unescaped(R"(\xG\x/\x:\x`\x@)") == "xGx/x:x`x@");
    CHECK(regex_unescaped(R"(\1018)") == "A8");
    CHECK(regex_unescaped(R"(\8\08\777)") == std::string{"8\0"
                                                         "8\xff",
                                                         4});
}

TEST_CASE("a GRPC_CHECK asks the health service of its target, through TLS for h2 and by the name that is to be sent") {
    Toolbox tools{config::Config{}};
    auto grpc = of(Type::Grpc);
    const GrpcCheck plain = grpc_check_of(grpc, tools);
    CHECK(plain.path == "/grpc.health.v1.Health/Check");
    CHECK(plain.authority == "192.0.2.1:8080");
    CHECK(plain.service.empty());
    CHECK(plain.tls == nullptr);
    CHECK_FALSE(plain.wish.h2);
    grpc.urls.edit() = {config::HttpUrl{}};
    grpc.urls.edit()[0].path = "/own";
    grpc.urls.edit()[0].virtualhost = "shop.example.org";
    set_keyword(grpc, "service", config::WordList{"cart"});
    set_keyword(grpc, "tls", true);
    GrpcCheck check = grpc_check_of(grpc, tools);
    CHECK(check.path == "/own");
    CHECK(check.authority == "shop.example.org");
    CHECK(check.service == "cart");
    CHECK(check.not_possible.empty());
    CHECK(check.tls != nullptr);
    CHECK(check.wish.h2);
    CHECK(check.wish.server_name.empty());
    grpc.enable_sni = true;
    CHECK(grpc_check_of(grpc, tools).wish.server_name == "shop.example.org");
    grpc.sni_name = std::string{"own.example.org"};
    CHECK(grpc_check_of(grpc, tools).wish.server_name == "own.example.org");

    config::Config broken;
    broken.more.edit().sections.push_back({"SSL", {}, {{"problem", config::WordList{"no key there"}}}, {}});
    Toolbox without{broken};
    check = grpc_check_of(grpc, without);
    CHECK(check.not_possible == "no key there");
    CHECK(check.tls == nullptr);
    CHECK(check.wish.server_name == "own.example.org");
}

TEST_CASE("a probe is named after its keyword and target, and other checkers have none") {
    Toolbox tools{config::Config{}};
    CHECK(probe_of(of(Type::Tcp), 0, tools)->name == "TCP_CHECK 192.0.2.1:8080");
    CHECK(probe_of(of(Type::Http), 0, tools)->name == "HTTP_GET 192.0.2.1:8080");
    CHECK(probe_of(of(Type::Ssl), 0, tools)->name == "SSL_GET 192.0.2.1:8080");
    CHECK(probe_of(of(Type::Grpc), 0, tools)->name == "GRPC_CHECK 192.0.2.1:8080");
    CHECK(probe_of(of(Type::Agent), 0, tools)->name == "AGENT_CHECK 192.0.2.1:8080");
    CHECK(probe_of(of(Type::Smtp), 0, tools)->name == "SMTP_CHECK 192.0.2.1:8080");
    CHECK(probe_of(of(Type::Dns), 0, tools)->name == "DNS_CHECK 192.0.2.1:8080");
    CHECK(probe_of(of(Type::Udp), 0, tools)->name == "UDP_CHECK 192.0.2.1:8080");
    CHECK(probe_of(of(Type::Ping), 0, tools)->name == "PING_CHECK 192.0.2.1:8080");
    CHECK_FALSE(probe_of(of(Type::Misc), 0, tools).has_value());
}
