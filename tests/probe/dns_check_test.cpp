// DNS_CHECK against name servers on loopback that answer as they are told.
#include "probe/checks.hpp"

#include <doctest/doctest.h>

#include "checks.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

namespace {

config::Checker dns(const Endpoint& target, const char* type = nullptr, const char* name = nullptr) {
    auto one = checker_of(config::Checker::Type::Dns, target);
    if (name != nullptr) give(one, "name", config::WordList{name});
    if (type != nullptr) give(one, "type", config::WordList{type});
    return one;
}

// The query with QR set and this rcode; `id`: added to its id.
std::string answer_to(const std::string& query, int rcode, int id = 0) {
    std::string answer = query;
    answer[1] = static_cast<char>(answer[1] + id);
    answer[2] = static_cast<char>(0x81);
    answer[3] = static_cast<char>(0x80 | rcode);
    return answer;
}

Finding with_rcode(int rcode) {
    DatagramServer server{[rcode](const std::string& query) { return std::vector{answer_to(query, rcode)}; }};
    return run(dns(server.endpoint()));
}

}  // namespace

TEST_CASE("the question is the configured type and name, by default the root's SOA") {
    // effect: virtual_server/real_server/DNS_CHECK: type name
    DatagramServer server{[](const std::string& query) { return std::vector{answer_to(query, 0)}; }};
    CHECK(run(dns(server.endpoint())).outcome == Outcome::Passed);
    CHECK(run(dns(server.endpoint(), "aaaa", "www.Example.org.")).outcome == Outcome::Passed);
    const char* const types[]{"A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"};
    for (const char* type : types) CHECK(run(dns(server.endpoint(), type, "x")).outcome == Outcome::Passed);

    const auto& heard = server.heard();
    REQUIRE(heard.size() == 11);
    const std::string flags_and_counts{"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10};
    CHECK(heard[0].substr(2) == flags_and_counts + std::string{"\x00\x00\x06\x00\x01", 5});
    CHECK(heard[1].substr(2) == flags_and_counts + std::string{"\x03www\x07"
                                                               "Example\x03org\x00\x00\x1c\x00\x01",
                                                               21});
    const std::vector<int> numbers{1, 2, 5, 6, 15, 16, 28, 46, 48};
    for (std::size_t i = 0; i < numbers.size(); ++i) CHECK(heard[2 + i][heard[2 + i].size() - 3] == numbers[i]);
    CHECK(heard[0].substr(0, 2) + heard[1].substr(0, 2) != heard[2].substr(0, 2) + heard[3].substr(0, 2));
}

TEST_CASE("NXDOMAIN, SERVFAIL and REFUSED fail with their number, an empty answer without an error passes") {
    CHECK(with_rcode(0).outcome == Outcome::Passed);
    const Finding missing = with_rcode(3);
    CHECK(missing.outcome == Outcome::Failed);
    CHECK(missing.reason == "NXDOMAIN");
    CHECK(missing.words == "read error occurred. (rcode = 3)");
    CHECK(with_rcode(2).reason == "SERVFAIL");
    CHECK(with_rcode(5).reason == "REFUSED");
    CHECK(with_rcode(9).reason == "rcode 9");
}

TEST_CASE("strays are passed over: too short, of another id, questions; the answer behind them counts") {
    DatagramServer server{[](const std::string& query) {
        return std::vector<std::string>{
            "", "x", query.substr(0, 11), query, answer_to(query, 2, 1), answer_to(query, 0)};
    }};
    CHECK(run(dns(server.endpoint())).outcome == Outcome::Passed);
}

TEST_CASE("an answer counts that is far too long or only a header") {
    DatagramServer big{
        [](const std::string& query) { return std::vector{answer_to(query, 0) + std::string(20'000, '\xff')}; }};
    CHECK(run(dns(big.endpoint())).outcome == Outcome::Passed);
    DatagramServer bare{[](const std::string& query) { return std::vector{answer_to(query, 0).substr(0, 12)}; }};
    CHECK(run(dns(bare.endpoint())).outcome == Outcome::Passed);
}

TEST_CASE("a name server that is silent times out, one that is not there fails") {
    // effect: virtual_server/real_server/DNS_CHECK: connect_timeout connect_port
    DatagramServer silent{[](const std::string&) { return std::vector<std::string>{}; }};
    auto what = dns(silent.endpoint());
    const Finding late = run(what, in_time(61s));
    CHECK(late.outcome == Outcome::TimedOut);
    CHECK(late.words == "read timeout from socket");
    const UniqueFd closed = bind_only();
    const Finding refused = run(dns(bound_to(closed)));
    CHECK(refused.outcome == Outcome::Failed);
    CHECK(refused.words == "failed to read socket; errno 111 (Connection refused)");
}

TEST_CASE("the answer counts behind as many strays as come in time") {
    DatagramServer server{[](const std::string& query) {
        std::vector<std::string> all(200, "stray");
        all.push_back(answer_to(query, 0));
        return all;
    }};
    CHECK(run(dns(server.endpoint())).outcome == Outcome::Passed);
}
