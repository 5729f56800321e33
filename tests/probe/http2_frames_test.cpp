// HTTP/2 frame by frame (RFC 9113), as no library would send them.
#include "pause.hpp"
#include "probe/http2.hpp"
#include "trickle.hpp"
#include "web.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using lvs::Outcome;

namespace {

constexpr int kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoaway = 7, kContinuation = 9;
constexpr int kEndStream = 1, kEndHeaders = 4;

std::string number(std::size_t value, int bytes) {
    std::string text;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xff);
    return text;
}
std::string frame(int type, int flags, std::size_t stream, const std::string& payload) {
    return number(payload.size(), 3) + number(static_cast<std::size_t>(type), 1) +
           number(static_cast<std::size_t>(flags), 1) + number(stream, 4) + payload;
}
const std::string kBegin = frame(kSettings, 0, 0, "");

// HPACK (RFC 7541): a string of up to 127 + 2^14 bytes, and a field that is not indexed.
std::string text(const std::string& plain) {
    if (plain.size() < 127) return number(plain.size(), 1) + plain;
    const std::size_t rest = plain.size() - 127;
    return "\x7f" + number(0x80 | (rest & 0x7f), 1) + number(rest >> 7 | (rest >> 7 > 0x7f ? 0x80 : 0), 1) +
           (rest >> 7 > 0x7f ? number(rest >> 14, 1) : "") + plain;
}
std::string field(const std::string& name, const std::string& value) { return "\0"s + text(name) + text(value); }
std::string status(const std::string& code) { return "\x08"s + text(code); }
std::string headers(const std::string& block, int flags = 0) { return frame(kHeaders, kEndHeaders | flags, 1, block); }

struct Client {
    std::string body;
    std::unique_ptr<Http2Client> client;
    explicit Client(Http2Request request = {.authority = "a", .path = "/"}) {
        auto made = Http2Client::make(std::move(request), [this](std::string_view bytes) { body += bytes; });
        REQUIRE(made.has_value());
        client = std::move(*made);
    }
    // What is said against these bytes; empty: nothing.
    std::string feed(const std::string& bytes) {
        const auto taken = client->feed(bytes);
        return taken ? "" : taken.error().text();
    }
};

// A server that answers whatever is asked with these bytes, and waits for the client's end.
Finding against(const std::string& bytes, const std::function<void(int)>& then = until_closed,
                const std::function<void(config::Checker&)>& change = {}) {
    const UniqueFd listener = listen_on_any();
    std::thread server{[&] {
        const UniqueFd peer{::accept(listener.get(), nullptr, nullptr)};
        char some[4096];
        static_cast<void>(::recv(peer.get(), some, sizeof some, 0));
        send_all(peer.get(), bytes);
        then(peer.get());
    }};
    auto what = checker(bound_to(listener));
    what.http_protocol = std::string{"2"};
    if (change) change(what);
    Finding finding = run(what);
    server.join();
    return finding;
}

}  // namespace

TEST_CASE("a request begins with the preface, settings without push and with the limit of headers, and its fields") {
    Client plain;
    const std::string out = plain.client->output();
    const std::string begin =
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0, "\0\x02\0\0\0\0\0\x06\0\0\x40\0"s);
    CHECK(out.starts_with(begin));
    CHECK(static_cast<int>(out[begin.size() + 3]) == kHeaders);
    CHECK(static_cast<int>(out[begin.size() + 4]) == (kEndHeaders | kEndStream));
    CHECK(plain.client->output().empty());
    CHECK_FALSE(plain.client->done());
}

TEST_CASE("a long body of a request goes out in parts, once, and ends the stream with the last") {
    std::string wanted;
    for (int i = 0; i < 4000; ++i) wanted += std::to_string(i) + " ";
    REQUIRE(wanted.size() > 16'384);
    Client client{{.method = "POST", .authority = "a", .path = "/", .body = wanted}};
    std::string out = client.client->output().substr(24), body;
    int ends = 0, parts = 0;
    while (!out.empty()) {
        const std::size_t size = static_cast<unsigned char>(out[0]) * 65536U +
                                 static_cast<unsigned char>(out[1]) * 256U + static_cast<unsigned char>(out[2]);
        if (out[3] == kData) {
            body += out.substr(9, size);
            ++parts;
            CHECK(ends == 0);
        }
        if (out[3] != kSettings && (out[4] & kEndStream) != 0) ++ends;
        out.erase(0, 9 + size);
    }
    CHECK(body == wanted);
    CHECK(parts > 1);
    CHECK(ends == 1);
}

TEST_CASE("an answer is read whole or byte by byte: its last status, body, fields and trailers, the last of a name") {
    const std::string answer = kBegin + headers(status("103") + field("x", "early")) +
                               headers("\x88" + field("x", "one") + field("y", "why") + field("x", "two")) +
                               frame(kData, 0, 1, "hel") + frame(kData, 0, 1, "lo") +
                               headers(field("grpc-status", "0"), kEndStream);
    for (const std::size_t piece : {std::size_t{1}, answer.size()}) {
        CAPTURE(piece);
        Client client;
        static_cast<void>(client.client->output());
        for (std::size_t at = 0; at < answer.size(); at += piece) {
            CHECK_FALSE(client.client->done());
            CHECK(client.feed(answer.substr(at, piece)).empty());
        }
        CHECK(client.client->done());
        CHECK(client.client->problem().empty());
        CHECK(client.client->status() == 200);
        CHECK(client.body == "hello");
        CHECK(client.client->field("x") == "two");
        CHECK(client.client->field("y") == "why");
        CHECK(client.client->field("grpc-status") == "0");
        CHECK(client.client->field("z").empty());
    }
    Client data;
    static_cast<void>(data.client->output());
    CHECK(data.feed(kBegin + headers("\x8d") + frame(kData, kEndStream, 1, "x")).empty());
    CHECK(data.client->done());
    CHECK(data.client->status() == 404);
}

TEST_CASE("a server that goes away without our stream takes no requests; one that still answers it may go") {
    const auto goaway = [](std::size_t last, std::size_t error) {
        return frame(kGoaway, 0, 0, number(last, 4) + number(error, 4));
    };
    Client refused;
    static_cast<void>(refused.client->output());
    CHECK(refused.feed(kBegin + goaway(0, 11)).empty());
    CHECK(refused.client->done());
    CHECK(refused.client->problem() == "the server takes no requests: ENHANCE_YOUR_CALM");
    Client answered;
    static_cast<void>(answered.client->output());
    CHECK(answered.feed(kBegin + goaway(1, 0)).empty());
    CHECK_FALSE(answered.client->done());
    CHECK(answered.feed(headers("\x88", kEndStream)).empty());
    CHECK(answered.client->done());
    CHECK(answered.client->problem().empty());
}

TEST_CASE("a stream that is reset has failed, unless its answer was whole before") {
    const auto reset = [](std::size_t error) { return frame(kReset, 0, 1, number(error, 4)); };
    Client refused;
    static_cast<void>(refused.client->output());
    CHECK(refused.feed(kBegin + reset(7)).empty());
    CHECK(refused.client->done());
    CHECK(refused.client->problem() == "the stream was reset: REFUSED_STREAM");
    Client quiet;
    static_cast<void>(quiet.client->output());
    CHECK(quiet.feed(kBegin + reset(0)).empty());
    CHECK(quiet.client->done());
    CHECK(quiet.client->problem().empty());
    CHECK_FALSE(quiet.client->status().has_value());
    // The server has no use for the rest of the request.
    Client early{{.method = "POST", .authority = "a", .path = "/", .body = std::string(100'000, 'x')}};
    static_cast<void>(early.client->output());
    CHECK(early.feed(kBegin + headers("\x88", kEndStream) + reset(8)).empty());
    CHECK(early.client->done());
    CHECK(early.client->problem().empty());
}

TEST_CASE("header fields and trailers have 16384 bytes in all") {
    // ":status" and "200" are 10 bytes, each name one.
    const auto fed = [](std::size_t last) {
        const std::string block = "\x88" + field("a", std::string(8000, 'x')) + field("b", std::string(last, 'y'));
        Client client;
        static_cast<void>(client.client->output());
        return client.feed(kBegin + frame(kHeaders, kEndStream, 1, block.substr(0, 10'000)) +
                           frame(kContinuation, kEndHeaders, 1, block.substr(10'000)));
    };
    CHECK(fed(16'384 - 10 - 8001 - 1).empty());
    CHECK(fed(16'384 - 10 - 8001) == "the header is longer than 16384 bytes");
}

TEST_CASE("what does not begin as HTTP/2 does is refused as soon as that is clear") {
    const auto whole = [](const std::string& bytes) { return Client{}.feed(bytes); };
    const std::string no_settings = "no HTTP/2: the server does not begin with its settings";
    CHECK(whole("HTTP/1.1 400 Bad") == "the server speaks HTTP/1, not HTTP/2");
    CHECK(whole("HTTP/1.") == "the server speaks HTTP/1, not HTTP/2");
    CHECK(whole("HTTP/1").empty());
    CHECK(whole("HTTP/2.0") == no_settings);
    CHECK(whole("SSH-2.0-OpenSSH") == no_settings);
    CHECK(whole("\0\0\0"s).empty());
    CHECK(whole("\0\0\0\x01"s) == no_settings);
    CHECK(whole(kBegin).empty());
    CHECK(whole("").empty());
    Client slow;
    CHECK(slow.feed("HTT").empty());
    CHECK(slow.feed("P/1").empty());
    CHECK(slow.feed(".") == "the server speaks HTTP/1, not HTTP/2");
    // Behind the first frame's head anything goes.
    Client later;
    static_cast<void>(later.client->output());
    CHECK(later.feed(kBegin).empty());
    CHECK(later.feed(frame(kPing, 0, 0, "12345678")).empty());
}

TEST_CASE("a flood of frames that want an answer each is no HTTP/2") {
    Client client;
    static_cast<void>(client.client->output());
    std::string flood = kBegin;
    for (int i = 0; i < 1100; ++i) flood += frame(kPing, 0, 0, "12345678");
    CHECK(client.feed(flood).starts_with("no HTTP/2: Flooding was detected"));
}

TEST_CASE("HTTP_GET says how an exchange over HTTP/2 failed") {
    CHECK(against(kBegin + headers("\x88") + frame(kData, kEndStream, 1, "hello")).outcome == Outcome::Passed);
    const Finding away = against(kBegin + frame(kGoaway, 0, 0, number(0, 4) + number(0, 4)));
    CHECK(away.outcome == Outcome::Failed);
    CHECK(away.reason == "the server takes no requests: NO_ERROR");
    CHECK(away.words == "Connection failed server");
    const Finding nothing = against(kBegin + frame(kReset, 0, 1, number(0, 4)));
    CHECK(nothing.outcome == Outcome::Failed);
    CHECK(nothing.reason == "no HTTP status code");
    CHECK(nothing.words == "HTTP status code error to server");
    const Finding garbage = against(frame(kPing, 0, 0, "12345678"));
    CHECK(garbage.outcome == Outcome::Failed);
    CHECK(garbage.words == "Connection failed server");

    const Finding half = against(kBegin + headers("\x88") + frame(kData, 0, 1, "hel"), outlast);
    CHECK(half.outcome == Outcome::TimedOut);
    CHECK(half.reason == "timed out after 60 s");
    CHECK(half.words == "Timeout HTTP read server");
    CHECK(against(kBegin + headers("\x88"), outlast).reason == "timed out after 60 s: connected, but no answer");
    CHECK(against(kBegin + headers("\x8d", kEndStream)).reason == "HTTP status code 404");
}

TEST_CASE("an answer that was whole before the server closed the connection counts, and a part of one does not") {
    const auto closed_with_frames_unread = [](const std::string& bytes) {
        Pause pause;
        StreamServer server{[&](int fd) {
            char preface[24];
            static_cast<void>(::recv(fd, preface, sizeof preface, MSG_WAITALL));
            pause.begins(POLLIN | POLLHUP, 0s);
            send_all(fd, bytes);
        }};
        auto what = checker(server.endpoint());
        what.http_protocol = std::string{"2"};
        return run(what, pause.begun());
    };
    for (const std::size_t size : {5U, 8000U}) {  // read at once, or in parts
        CAPTURE(size);
        const std::string body(size, 'x');
        const auto answer = [&](int flags) { return kBegin + headers("\x88") + frame(kData, flags, 1, body); };
        CHECK(closed_with_frames_unread(answer(kEndStream)).outcome == Outcome::Passed);
        const Finding part = closed_with_frames_unread(answer(0));
        CHECK(part.outcome == Outcome::Failed);
        CHECK(part.reason == "connection reset by peer");
    }
}

TEST_CASE("of a body without end no more is read than its limit, and one of the limit's length is whole") {
    Client client{{.authority = "a", .path = "/", .answer_max = 10}};
    static_cast<void>(client.client->output());
    CHECK(client.feed(frame(kSettings, 0, 0, "") + headers(status("200"))) == "");
    CHECK(client.feed(frame(kData, 0, 1, "0123456")) == "");
    CHECK(client.feed(frame(kData, 0, 1, "789")) == "");
    CHECK_FALSE(client.client->done());
    CHECK_FALSE(client.client->is_cut());
    CHECK(client.feed(frame(kData, 0, 1, "abc") + frame(kData, 0, 1, "def")) == "");
    CHECK(client.client->done());
    CHECK(client.client->is_cut());
    CHECK(client.client->problem() == "");
    CHECK(client.body == "0123456789");
}

TEST_CASE("HTTP/2 bodies without end are judged as those of HTTP/1") {
    const auto endless = [](int fd) {
        while (send_all(fd, frame(kData, 0, 1, std::string(8192, 'x')))) {
        }
    };
    const std::string begin = frame(kSettings, 0, 0, "") + headers(status("200"));
    const Finding finding = against(begin, endless);
    CHECK(finding.outcome == Outcome::Passed);
    CHECK(finding.reason ==
          "HTTP status code 200 (HTTP/2, the body is longer than 1048576 bytes, the rest is not read)");
    const Finding health = against(begin, endless, [](config::Checker& what) {
        what.type = config::Checker::Type::Grpc;
        what.urls.edit()[0].path = "/grpc.health.v1.Health/Check";
    });
    CHECK(health.outcome == Outcome::Failed);
    CHECK(health.words == "GRPC");
    CHECK(health.reason == "the answer is longer than 4096 bytes");
}

TEST_CASE("an HTTP/2 server that goes on with pings, or with a byte of its body, has no more time for it") {
    const std::string begin = kBegin + headers(status("200"));
    const auto grpc = [](config::Checker& what) { what.type = config::Checker::Type::Grpc; };
    for (const std::string& drop : {frame(kPing, 0, 0, "12345678"), frame(kData, 0, 1, "x")}) {
        const auto drip = [&](int fd) { trickle(fd, 50s, [&] { send_all(fd, drop); }); };
        const Finding finding = against(begin, drip);
        CHECK(finding.outcome == Outcome::TimedOut);
        CHECK(finding.words == "Timeout HTTP read server");
        CHECK(finding.duration >= 720s);
        CHECK(finding.duration < 840s);
        CHECK(against(begin, drip, grpc).outcome == Outcome::TimedOut);
    }
}
