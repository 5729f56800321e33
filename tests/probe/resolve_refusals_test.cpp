// Why a name cannot be looked up, as an operator reads it, and whose word counts.
#include <array>

#include "kernel_calls.hpp"
#include "names.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;

namespace {

// A name server that says over UDP that its answer does not fit, and answers over TCP as `talk` does.
class OverTcp {
public:
    using Talk = std::function<void(int fd, const std::string& query)>;
    explicit OverTcp(Talk talk)
        : udp_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)},
          thread_{[this, talk = std::move(talk)] { serve(talk); }} {}
    ~OverTcp() { thread_.join(); }
    OverTcp(const OverTcp&) = delete;
    OverTcp& operator=(const OverTcp&) = delete;
    [[nodiscard]] Endpoint endpoint() const { return bound_to(listener_); }

private:
    void serve(const Talk& talk) {
        const sockaddr_in at = loopback(endpoint().port);
        if (::bind(udp_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return;
        ready_.set_value();
        std::array<char, 512> bytes{};
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        const auto got =
            ::recvfrom(udp_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
        const std::string cut = reply({bytes.data(), static_cast<std::size_t>(got)}, {}, 0x8380);
        ::sendto(udp_.get(), cut.data(), cut.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
        const UniqueFd stream{::accept(listener_.get(), nullptr, nullptr)};
        const auto asked = ::recv(stream.get(), bytes.data(), bytes.size(), 0);
        if (asked > 2) talk(stream.get(), {bytes.data() + 2, static_cast<std::size_t>(asked - 2)});
    }

    UniqueFd listener_ = listen_on_any(), udp_;
    std::promise<void> ready_;
    std::thread thread_;

public:
    void wait() { ready_.get_future().wait(); }
};

NameAnswer over_tcp(OverTcp::Talk talk) {
    OverTcp server{std::move(talk)};
    server.wait();
    return ask(web({server.endpoint()}));
}
std::string with_length(const std::string& message) { return u16(static_cast<unsigned>(message.size())) + message; }

std::string refused_answer(DatagramServer::Answer answer) {
    DatagramServer server{std::move(answer)};
    return ask(web({server.endpoint()})).refused;
}

}  // namespace

TEST_CASE("an answer over TCP comes whole, whatever its pieces, and is one to this question") {
    const auto whole = over_tcp([](int fd, const std::string& query) {
        for (const char c : with_length(reply(query, {address(1)}))) send_text(fd, {&c, 1});
    });
    CHECK(texts(whole) == Texts{"10.0.0.1:0"});
    CHECK(over_tcp([](int fd, const std::string& query) {
              std::string other = query;
              other[13] = 'x';
              send_text(fd, with_length(reply(other, {address(1)})));
          }).refused == "an answer to another question");
    CHECK(over_tcp([](int fd, const std::string& query) {
              std::string other = query;
              other[1] = static_cast<char>(other[1] + 1);
              send_text(fd, with_length(reply(other, {address(1)})));
          }).refused == "an answer to another question");
}

TEST_CASE("an answer over TCP that does not come is refused with what happened") {
    CHECK(over_tcp([](int, const std::string&) {}).refused == "closed by the name server");
    CHECK(over_tcp([](int fd, const std::string&) { send_text(fd, "\x01"); }).refused == "closed by the name server");
    CHECK(over_tcp([](int fd, const std::string& query) {
              send_text(fd, with_length(reply(query, {address(1)})).substr(0, 20));
          }).refused == "closed by the name server");
    CHECK(over_tcp([](int fd, const std::string&) { send_text(fd, with_length("")); }).refused ==
          "the answer is too short");
    CHECK(over_tcp([](int fd, const std::string& query) {
              send_text(fd, with_length(reply(query, {address(1)}).substr(0, 40)));
          }).refused == "the answer is damaged");
    CHECK(over_tcp([](int fd, const std::string&) {
              const linger hard{.l_onoff = 1, .l_linger = 0};
              ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
          }).refused == "connection reset by peer");
    CHECK(over_tcp([](int fd, const std::string&) { outlast(fd); }).refused == "timed out after 60 s");

    DatagramServer only_udp{[](const std::string& query) { return Texts{reply(query, {}, 0x8380)}; }};
    CHECK(ask(web({only_udp.endpoint()})).refused == "connection refused");
}

TEST_CASE("an answer that was cut within a record is asked for over TCP as well, if it is one to this question") {
    const auto cut = [](const std::string& query, unsigned flags) {
        std::string answer = reply(query, {address(1), address(2)}, flags);
        answer.resize(answer.size() - 3);
        return answer;
    };
    CHECK(refused_answer([&](const std::string& query) { return Texts{cut(query, 0x8380)}; }) == "connection refused");
    CHECK(refused_answer([&](const std::string& query) {
              std::string other = cut(query, 0x8380);
              other[0] = static_cast<char>(other[0] + 1);
              return Texts{other, cut(query, 0x8180), cut(query, 0x0380), reply(query, {}, 0x8185)};
          }) == "REFUSED");
}

TEST_CASE("strays of each kind are passed over: of another id, type or name, and what is no answer at all") {
    CHECK(refused_answer([](const std::string& query) {
              std::string id = query, type = query;
              id[1] = static_cast<char>(id[1] + 1);
              type[type.size() - 3] = 28;
              return Texts{reply(id, {}, 0x8182), reply(type, {}, 0x8182), reply(query, {}, 0x0102),
                           reply(query, {}, 0x8185)};
          }) == "REFUSED");
    CHECK(refused_answer([](const std::string& query) { return Texts{reply(query, {}, 0x8189)}; }) == "rcode 9");
}

TEST_CASE("a name is the same in capitals and with the root's dot") {
    DatagramServer server{[](const std::string& query) { return Texts{reply(query, {address(1)})}; }};
    auto question = web({server.endpoint()});
    question.name = "WEB.Example.Org.";
    CHECK(texts(ask(question)) == Texts{"10.0.0.1:0"});
}

TEST_CASE("without a name server, and for what is no name, nobody is asked") {
    CHECK(ask(web({})).refused == "there is no name server");
    DatagramServer server{[](const std::string& query) { return Texts{reply(query, {address(1)})}; }};
    auto question = web({server.endpoint(), server.endpoint()});
    question.name = "web..example.org";
    CHECK(ask(question).refused == "'web..example.org' is no DNS name");
    CHECK(server.heard().empty());
}

TEST_CASE("what this host or the way to the name server lacks is reported, and the next one is asked") {
    DatagramServer server{[](const std::string& query) { return Texts{reply(query, {address(1)})}; }};
    const auto question = web({server.endpoint()});
    KernelCalls calls;
    calls.send_errors = {ENETUNREACH};
    CHECK(ask(question).refused == "send: Network is unreachable");
    calls.recv_errors = {ECONNREFUSED};
    CHECK(ask(question).refused == "connection refused");
    calls.send_errors = {EPERM};
    CHECK(texts(ask(web({server.endpoint(), server.endpoint()}))) == Texts{"10.0.0.1:0"});
    calls.connect_error = EHOSTUNREACH;
    CHECK(ask(question).refused == "connect: No route to host");
}

TEST_CASE("an address of another family or of a group is none for a server") {
    DatagramServer server{[](const std::string& query) {
        return Texts{
            reply(query, {record(1, std::string{'\xe0', 0, 0, 1}), record(28, std::string(15, '\0') + "\x07")})};
    }};
    const auto nothing = ask(web({server.endpoint()}));
    CHECK(nothing.refused == "the name has no address");
    CHECK(nothing.servers.empty());
    CHECK(nothing.left_out == 0);
}

TEST_CASE("as many addresses as are wanted leave none out") {
    DatagramServer server{[](const std::string& query) { return Texts{reply(query, {address(1), address(2)})}; }};
    auto question = web({server.endpoint()});
    question.most = 2;
    CHECK(ask(question).servers.size() == 2);
    CHECK(ask(question).left_out == 0);
    question.most = 1;
    CHECK(ask(question).left_out == 1);
}

TEST_CASE("a service's addresses that came along are not asked for again, each address and port is one server") {
    DatagramServer server{[](const std::string& query) {
        return Texts{
            reply(query, {service(1, 7, 80, kOne), service(1, 5, 80, kTwo), service(1, 5, 81, kTwo),
                          record(1, std::string{10, 0, 0, 1}, kOne), record(1, std::string{10, 0, 0, 1}, kTwo)})};
    }};
    auto question = web({server.endpoint()});
    question.srv = true;
    CHECK(texts(ask(question)) == Texts{"10.0.0.1:80 weight 5", "10.0.0.1:81 weight 5"});
    CHECK(server.heard().size() == 1);
}

TEST_CASE("a service without usable records has no address, one that is not there is reported as such") {
    DatagramServer empty{
        [](const std::string& query) { return Texts{reply(query, {service(1, 1, 0, kOne), address(1)})}; }};
    auto question = web({empty.endpoint()});
    question.srv = true;
    CHECK(ask(question).refused == "the name has no address");
    DatagramServer gone{zone({})};
    question.resolvers = {gone.endpoint()};
    CHECK(ask(question).refused == "NXDOMAIN");
}

TEST_CASE("a service's target that cannot be a name has no servers, the others have") {
    const std::string odd = "\x28" + std::string(40, '\x01') + std::string(1, '\0');
    DatagramServer server{
        zone({{{33, 'w'}, {service(1, 0, 80, odd), service(1, 0, 80, kOne)}}, {{1, 'o'}, {address(1)}}})};
    auto question = web({server.endpoint()});
    question.srv = true;
    CHECK(texts(ask(question)) == Texts{"10.0.0.1:80"});
}

TEST_CASE("of a service's targets the first 64 are asked for") {
    for (const unsigned targets : {64U, 65U}) {
        CAPTURE(targets);
        DatagramServer server{[targets](const std::string& query) {
            const auto letter = [](unsigned value) { return static_cast<char>('a' + value); };
            if (query[query.size() - 3] == 1)
                return Texts{reply(query, {address(static_cast<unsigned>((query[13] - 'a') * 16 + query[14] - 'a'))})};
            std::vector<std::string> records;
            for (unsigned i = 0; i < targets; ++i)
                records.push_back(service(1, 0, 80, {'\x02', letter(i / 16), letter(i % 16), '\0'}));
            return Texts{reply(query, records)};
        }};
        auto question = web({server.endpoint()});
        question.srv = true;
        question.most = 100;
        CHECK(ask(question).servers.size() == 64);
        CHECK(server.heard().size() == 65);
    }
}

TEST_CASE("a lookup that is cancelled asks nobody further") {
    Canceller canceller;
    DatagramServer first{[&](const std::string&) {
        canceller.cancel();
        return Texts{};
    }};
    DatagramServer second{[](const std::string& query) { return Texts{reply(query, {address(1)})}; }};
    CHECK(ask(web({first.endpoint(), second.endpoint()}), canceller.begun()).refused == "cancelled");
    CHECK(second.heard().empty());
}
