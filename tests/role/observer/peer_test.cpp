// What is asked of the other director, and what clients are told, without a network.
#include "role/observer/peer/peer.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;
using What = ipc::ApiFile::What;

namespace {

struct PeerBench {
    std::vector<PeerRequest> asked;
    std::vector<std::function<void(PeerAnswer)>> open;
    std::string refuses;  // not empty: no thread can be started
    Instant now{1h};
    std::vector<http::Answer> told;
    role::Peer peer{[this](PeerRequest request, auto done) -> Result<void> {
                        asked.push_back(std::move(request));
                        if (!refuses.empty()) return fail(Errc::Io, refuses);
                        open.push_back(std::move(done));
                        return {};
                    },
                    [this] { return now; }};

    explicit PeerBench(const std::string& at) {
        ipc::ApiSettings settings;
        settings.peer = at;
        peer.set(settings);
    }
    void ask() {
        peer.ask([this](http::Answer answer) { told.push_back(std::move(answer)); });
    }
};

}  // namespace

TEST_CASE("a peer is a host with TLS, or a loopback address") {
    CHECK(peer_status_url("https://lb2.example:9112") == "https://lb2.example:9112/api/v1/status");
    CHECK(peer_status_url("https://[2001:db8::2]:9112/") == "https://[2001:db8::2]:9112/api/v1/status");
    CHECK(peer_status_url("http://127.0.0.1:9112") == "http://127.0.0.1:9112/api/v1/status");
    CHECK(peer_status_url("http://[::1]:9112") == "http://[::1]:9112/api/v1/status");
    for (const char* bad : {"", "lb2:9112", "ftp://lb2", "https://", "https:///", "https://a@lb2", "https://lb2/x",
                            "https://lb2?x", "https://lb2#x", "https://lb 2", "https://lb2\n", "http://lb2:9112",
                            "http://127.0.0.1.example", "http://10.0.0.2", "http://[::1].example"})
        CHECK_FALSE_MESSAGE(peer_status_url(bad).has_value(), bad);
}

TEST_CASE("a token is the first line of its file") {
    CHECK(peer_token("mst_abc\n") == "mst_abc");
    CHECK(peer_token("mst_abc\r\nmore\n") == "mst_abc");
    for (const char* bad : {"", "\n", "a b\n", "a\tb", "\x80"}) CHECK_FALSE(peer_token(bad).has_value());
}

TEST_CASE("the peer is asked once for all who wait, with the token and the authorities, and again after a second") {
    PeerBench b{"https://lb2"};
    b.peer.take(What::PeerToken, std::string{"secret\n"});
    b.peer.take(What::PeerCa, std::string{"PEM"});
    b.peer.take(What::Certificate, std::string{"not its"});
    b.ask();
    b.ask();
    REQUIRE(b.asked.size() == 1);
    CHECK(b.asked[0].url == "https://lb2/api/v1/status");
    CHECK(b.asked[0].token == "secret");
    CHECK(b.asked[0].ca == "PEM");
    CHECK(b.told.empty());

    b.open[0]({.status = 200, .problem = {}, .body = "{}"});
    REQUIRE(b.told.size() == 2);
    CHECK(b.told[1].status == 200);
    CHECK(b.told[1].body == "{}");
    CHECK(b.told[1].content_type == "application/json");

    b.now += 999ms;
    b.ask();
    CHECK(b.told.size() == 3);
    CHECK(b.asked.size() == 1);
    b.now += 1ms;
    b.ask();
    CHECK(b.asked.size() == 2);
}

TEST_CASE("whoever asks learns why there is no answer") {
    const auto error = [](const http::Answer& answer) {
        return nlohmann::json::parse(answer.body)["error"].get<std::string>();
    };
    PeerBench none{""};
    none.ask();
    CHECK(none.told[0].status == 200);
    CHECK(none.told[0].body == "{}");

    PeerBench wrong{"http://lb2"};
    wrong.ask();
    CHECK(wrong.told[0].status == 502);
    CHECK(error(wrong.told[0]) == "[api] peer http://lb2: http:// is for loopback addresses only");

    PeerBench file{"https://lb2"};
    file.peer.take(What::PeerToken, fail(Errc::Io, "everybody may read it: chmod o-r"));
    file.ask();
    CHECK(error(file.told[0]) == "[api] peer_token: everybody may read it: chmod o-r");

    PeerBench thread{"https://lb2"};
    thread.refuses = "cannot start a thread";
    thread.ask();
    CHECK(error(thread.told[0]) == "the peer https://lb2 does not answer: cannot start a thread");
    CHECK(none.asked.size() + wrong.asked.size() + file.asked.size() == 0);

    CHECK(error(answer_from_peer("P", {.status = 401, .problem = {}, .body = "x"})) ==
          "the peer P refuses the token (status 401)");
    CHECK(error(answer_from_peer("P", {.status = 302, .problem = {}, .body = "x"})) ==
          "the peer P answers with status 302");
}

TEST_CASE("an answer of another peer than the one that is configured now is dropped") {
    PeerBench b{"https://lb2"};
    b.ask();
    ipc::ApiSettings settings;
    settings.peer = "https://lb3";
    b.peer.set(settings);
    REQUIRE(b.told.size() == 1);
    CHECK(b.told[0].status == 503);
    b.ask();
    b.open[0]({.status = 200, .problem = {}, .body = "of lb2"});
    CHECK(b.told.size() == 1);
    b.open[1]({.status = 200, .problem = {}, .body = "of lb3"});
    REQUIRE(b.told.size() == 2);
    CHECK(b.told[1].body == "of lb3");
}

TEST_CASE("the answer of a former peer is not shown as that of the one that is configured now") {
    PeerBench b{"https://lb2"};
    b.ask();
    b.open[0]({.status = 200, .problem = {}, .body = "of lb2"});
    ipc::ApiSettings settings;
    settings.peer = "https://lb3";
    b.peer.set(settings);
    b.ask();
    CHECK(b.told.size() == 1);
    REQUIRE(b.open.size() == 2);
    b.open[1]({.status = 200, .problem = {}, .body = "of lb3"});
    REQUIRE(b.told.size() == 2);
    CHECK(b.told[1].body == "of lb3");
}

TEST_CASE("another peer is given neither the token nor the authorities of the former one") {
    PeerBench b{"https://lb2"};
    b.peer.take(What::PeerToken, std::string{"secret\n"});
    b.peer.take(What::PeerCa, std::string{"PEM"});
    ipc::ApiSettings settings;
    settings.peer = "https://lb3";
    b.peer.set(settings);
    b.ask();
    REQUIRE(b.asked.size() == 1);
    CHECK(b.asked[0].url == "https://lb3/api/v1/status");
    CHECK(b.asked[0].token.empty());
    CHECK(b.asked[0].ca.empty());
}

TEST_CASE("so many readers may wait for one answer") {
    PeerBench b{"https://lb2"};
    for (std::size_t i = 0; i < kPeerReadersMax; ++i) b.ask();
    CHECK(b.told.empty());
    b.ask();
    REQUIRE(b.told.size() == 1);
    CHECK(b.told[0].status == 503);
    CHECK(b.asked.size() == 1);
}

TEST_CASE("whoever hears why there is no answer of the peer hears what to look at, too") {
    const auto text_of = [](const http::Answer& answer) {
        const auto body = nlohmann::json::parse(answer.body);
        return std::to_string(answer.status) + " " + body["error"].get<std::string>() + " | " +
               body["hint"].get<std::string>();
    };
    const auto of_status = [&](long status) {
        return text_of(answer_from_peer("P", {.status = status, .problem = "refused", .body = "x"}));
    };
    for (const long denied : {401L, 403L})
        CHECK(of_status(denied) == "502 the peer P refuses the token (status " + std::to_string(denied) +
                                       ") | see [api] peer_token in mainstay.toml, and the peer's credentials");
    for (const long other : {199L, 201L, 400L, 402L, 404L, 503L})
        CHECK(of_status(other) == "502 the peer P answers with status " + std::to_string(other) +
                                      " | see whether [api] peer is the address of its API");
    CHECK(of_status(0) ==
          "502 the peer P does not answer: refused | see whether it runs, and [api] peer and peer_ca in mainstay.toml");

    PeerBench authorities{"https://lb2"};
    authorities.peer.take(What::PeerCa, fail(Errc::Io, "it is gone"));
    authorities.ask();
    CHECK(text_of(authorities.told.at(0)) == "502 [api] peer_ca: it is gone | see mainstay.toml(5), [api]");
    PeerBench token{"https://lb2"};
    token.peer.take(What::PeerToken, std::string{"two words"});
    token.ask();
    CHECK(text_of(token.told.at(0)) ==
          "502 [api] peer_token: its first line is no token | see mainstay.toml(5), [api]");
    for (const auto& [peer, why] : {std::pair{"lb2", "it begins with neither https:// nor http://"},
                                    {"https://", "it is not https:// with a host and a port"}}) {
        PeerBench wrong{peer};
        wrong.ask();
        CHECK(text_of(wrong.told.at(0)) ==
              std::string{"502 [api] peer "} + peer + ": " + why + " | see mainstay.toml(5), [api]");
    }

    PeerBench changed{"https://lb2"};
    for (std::size_t i = 0; i <= kPeerReadersMax; ++i) changed.ask();
    CHECK(text_of(changed.told.at(0)) == "503 too many wait for the peer's answer | ask again later");
    changed.peer.set({});
    REQUIRE(changed.told.size() == kPeerReadersMax + 1);
    CHECK(text_of(changed.told.at(1)) == "503 the settings of the peer have changed meanwhile | ask again");
    changed.ask();
    CHECK(changed.told.back().body == "{}");
    CHECK(changed.asked.size() == 1);
}

TEST_CASE("a peer whose thread cannot be started is asked again after a second, and everybody hears the problem") {
    PeerBench b{"https://lb2"};
    b.refuses = "no thread";
    b.ask();
    b.ask();
    CHECK(b.asked.size() == 1);
    CHECK(b.told.size() == 2);
    b.now += 1s;
    b.refuses.clear();
    b.ask();
    CHECK(b.asked.size() == 2);
    b.open.at(0)({.status = 200, .problem = {}, .body = "{}"});
    CHECK(b.told.at(2).status == 200);
}
