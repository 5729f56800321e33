// Names looked up of name servers on loopback, which answer as they are told: rightly, wrongly, too long, or not.
#include "mainstay/probe/resolve.hpp"

#include <doctest/doctest.h>

#include "names.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;

TEST_CASE("the addresses of a name come sorted, each once, no more than asked for") {
    DatagramServer server{zone({{{1, 'w'}, {address(2), address(1), address(2), address(3)}}})};
    auto question = web({server.endpoint()});
    CHECK(texts(ask(question)) == Texts{"10.0.0.1:0", "10.0.0.2:0", "10.0.0.3:0"});
    question.most = 2;
    const auto cut = ask(question);
    CHECK(texts(cut) == Texts{"10.0.0.1:0", "10.0.0.2:0"});
    CHECK(cut.left_out == 1);
}

TEST_CASE("an IPv6 service asks for AAAA") {
    DatagramServer server{zone({{{28, 'w'}, {record(28, std::string(15, '\0') + "\x07")}}})};
    auto question = web({server.endpoint()});
    question.family = Family::V6;
    CHECK(texts(ask(question)) == Texts{"[::7]:0"});
}

TEST_CASE("of services those of the lowest priority number count, with their ports and weights") {
    DatagramServer server{zone({{{33, 'w'},
                                 {service(10, 30, 8080, kOne), service(10, 0, 8081, kTwo), service(20, 1, 9, kOne),
                                  service(10, 5, 0, kOne), service(10, 5, 8082, std::string(1, '\0'))}},
                                {{1, 'o'}, {address(1)}},
                                {{1, 't'}, {address(2), address(3)}}})};
    auto question = web({server.endpoint()});
    question.srv = true;
    CHECK(texts(ask(question)) == Texts{"10.0.0.1:8080 weight 30", "10.0.0.2:8081", "10.0.0.3:8081"});
}

TEST_CASE("a service's target that is gone has no servers, one that cannot be asked for leaves all unknown") {
    const auto services = std::vector{service(1, 1, 80, kOne), service(1, 1, 80, kTwo)};
    DatagramServer gone{zone({{{33, 'w'}, services}, {{1, 'o'}, {address(1)}}})};
    auto question = web({gone.endpoint()});
    question.srv = true;
    CHECK(texts(ask(question)) == Texts{"10.0.0.1:80 weight 1"});

    const auto answer = zone({{{33, 'w'}, services}, {{1, 'o'}, {address(1)}}});
    std::optional<FlyingTime> time;
    DatagramServer silent{[&](const std::string& query) {
        if (query[13] != 't') return answer(query);
        time.emplace();
        return Texts{};
    }};
    question.resolvers = {silent.endpoint()};
    const auto unknown = ask(question);
    CHECK(unknown.refused == "two: timed out after 60 s");
    CHECK(unknown.servers.empty());
}

TEST_CASE("the next name server is asked when one is silent, refuses or is not there; none when the name is not") {
    DatagramServer good{zone({{{1, 'w'}, {address(1)}}})};
    DatagramServer silent{[](const std::string&) { return Texts{}; }};
    DatagramServer broken{[](const std::string& query) { return Texts{reply(query, {}, 0x8182)}; }};
    DatagramServer garbage{[](const std::string& query) {
        return Texts{"",
                     "x",
                     query,
                     std::string(4096, '\xc0'),
                     query.substr(0, 2) + std::string(200, '\xff'),
                     reply(query, {}, 0x8182)};
    }};
    const auto nobody = Endpoint{IpAddress::parse("127.0.0.1").value(), 1};
    auto question = web({silent.endpoint(), broken.endpoint(), garbage.endpoint(), nobody, good.endpoint()});
    CHECK(texts(ask(question, in_time(61s))) == Texts{"10.0.0.1:0"});
    question.resolvers = {broken.endpoint()};
    CHECK(ask(question).refused == "SERVFAIL");
    question.resolvers = {silent.endpoint()};
    CHECK(ask(question, in_time(61s)).refused == "timed out after 60 s");

    question.resolvers = {silent.endpoint(), nobody};
    CHECK(ask(question, in_time(61s)).refused == "connection refused");

    DatagramServer nothing{zone({})};
    question.resolvers = {nothing.endpoint(), good.endpoint()};
    CHECK(ask(question).refused == "NXDOMAIN");
    DatagramServer empty{[](const std::string& query) { return Texts{reply(query, {})}; }};
    question.resolvers = {empty.endpoint()};
    CHECK(ask(question).refused == "the name has no address");
}

TEST_CASE("an answer to another question is passed over") {
    DatagramServer server{[](const std::string& query) {
        std::string other = query;
        other[13] = 'x';
        return Texts{reply(other, {address(9)}), reply(query, {address(1)})};
    }};
    CHECK(texts(ask(web({server.endpoint()}))) == Texts{"10.0.0.1:0"});
}

TEST_CASE("an answer that does not fit is asked for over TCP, and one that lies about its length ends in time") {
    const UniqueFd listener = listen_on_any();
    const Endpoint there = bound_to(listener);
    // The same port over UDP.
    const UniqueFd udp{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const sockaddr_in at = loopback(there.port);
    REQUIRE(::bind(udp.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    bool whole = true;
    SUBCASE("whole") {}
    SUBCASE("cut off") { whole = false; }
    std::thread serving{[&] {
        char bytes[512];
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        const auto got = ::recvfrom(udp.get(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&peer), &size);
        const std::string query{bytes, static_cast<std::size_t>(got)};
        const std::string cut = reply(query, {}, 0x8380);
        ::sendto(udp.get(), cut.data(), cut.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
        const UniqueFd stream{::accept(listener.get(), nullptr, nullptr)};
        const auto asked = ::recv(stream.get(), bytes, sizeof bytes, 0);
        const std::string again{bytes + 2, static_cast<std::size_t>(asked - 2)};
        std::vector<std::string> records;
        for (unsigned last = 1; last <= 100; ++last) records.push_back(address(last));
        const std::string full = reply(again, records);
        send_text(stream.get(), u16(static_cast<unsigned>(full.size() + (whole ? 0 : 1))) + full);
        if (!whole) outlast(stream.get());
    }};
    auto question = web({there});
    question.most = 1000;
    const auto answer = ask(question);
    serving.join();
    CHECK(answer.servers.size() == (whole ? 100 : 0));
    CHECK(answer.refused == (whole ? "" : "timed out after 60 s"));
}

TEST_CASE("the answer behind 63 strays counts, behind 64 nobody waits for it") {
    for (const std::size_t strays : {63U, 64U}) {
        CAPTURE(strays);
        DatagramServer server{[strays](const std::string& query) {
            std::vector<std::string> all(strays, "stray");
            all.push_back(reply(query, {address(1)}));
            return all;
        }};
        const NameAnswer answer = ask(web({server.endpoint()}));
        CHECK(texts(answer) == (strays == 63 ? Texts{"10.0.0.1:0"} : Texts{}));
        CHECK(answer.refused == (strays == 63 ? "" : "64 datagrams that match no query"));
    }
}
