// HTTP/2 and gRPC against a server made of nghttp2, in a thread of its own.
#include <nghttp2/nghttp2.h>

#include <map>

#include "tls_server.hpp"
#include "web.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;
using namespace std::string_literals;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// What it answers, and what it was asked.
struct Script {
    Fields fields{{":status", "200"}};
    std::string body;
    Fields trailers;
    std::uint32_t reset = 0;  // instead of an answer
    std::map<std::string, std::string> asked;
    std::string asked_body;
    std::size_t sent = 0;
};

std::vector<nghttp2_nv> pairs_of(const Fields& fields) {
    std::vector<nghttp2_nv> pairs;
    for (const auto& [name, value] : fields)
        pairs.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                         reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                         NGHTTP2_NV_FLAG_NONE});
    return pairs;
}

ssize_t read_body(nghttp2_session* session, std::int32_t stream, std::uint8_t* into, std::size_t size,
                  std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& script = *static_cast<Script*>(source->ptr);
    const std::size_t part = std::min(size, script.body.size() - script.sent);
    std::memcpy(into, script.body.data() + script.sent, part);
    script.sent += part;
    if (script.sent == script.body.size()) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (!script.trailers.empty()) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            const auto pairs = pairs_of(script.trailers);
            nghttp2_submit_trailer(session, stream, pairs.data(), pairs.size());
        }
    }
    return static_cast<ssize_t>(part);
}

int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto& script = *static_cast<Script*>(user);
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 || frame->hd.stream_id == 0) return 0;
    if (script.reset != 0) return nghttp2_submit_rst_stream(session, 0, frame->hd.stream_id, script.reset);
    nghttp2_data_provider source{};
    source.source.ptr = &script;
    source.read_callback = read_body;
    const auto pairs = pairs_of(script.fields);
    const bool empty = script.body.empty() && script.trailers.empty();
    return nghttp2_submit_response(session, frame->hd.stream_id, pairs.data(), pairs.size(), empty ? nullptr : &source);
}

int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
              const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    static_cast<Script*>(user)->asked[{reinterpret_cast<const char*>(name), name_size}] = {
        reinterpret_cast<const char*>(value), value_size};
    return 0;
}

int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* bytes, std::size_t size, void* user) {
    static_cast<Script*>(user)->asked_body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
}

// Serves until the client goes. `read` gives bytes or nothing at the end.
void serve(Script& script, const std::function<std::string()>& read,
           const std::function<void(std::string_view)>& write) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new(&session, callbacks, &script);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
    for (;;) {
        const std::uint8_t* part = nullptr;
        for (ssize_t size = 0; (size = nghttp2_session_mem_send(session, &part)) > 0;)
            write({reinterpret_cast<const char*>(part), static_cast<std::size_t>(size)});
        const std::string bytes = read();
        if (bytes.empty()) break;
        nghttp2_session_mem_recv(session, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    nghttp2_session_del(session);
    nghttp2_session_callbacks_del(callbacks);
}

// By prior knowledge.
class PlainServer {
public:
    explicit PlainServer(Script& script)
        : thread_{[this, &script] {
              const UniqueFd peer{::accept(listener_.get(), nullptr, nullptr)};
              serve(
                  script,
                  [&] {
                      char bytes[4096];
                      const auto got = ::recv(peer.get(), bytes, sizeof bytes, 0);
                      return got <= 0 ? std::string{} : std::string(bytes, static_cast<std::size_t>(got));
                  },
                  [&](std::string_view bytes) { send_all(peer.get(), bytes); });
          }} {}
    ~PlainServer() { thread_.join(); }
    [[nodiscard]] Endpoint endpoint() const { return bound_to(listener_); }

private:
    UniqueFd listener_ = listen_on_any();
    std::thread thread_;
};

TlsServer::Answer through_tls(Script& script) {
    return [&script](SSL* ssl) {
        serve(
            script,
            [ssl] {
                char bytes[4096];
                const int got = SSL_read(ssl, bytes, sizeof bytes);
                return got <= 0 ? std::string{} : std::string(bytes, static_cast<std::size_t>(got));
            },
            [ssl](std::string_view bytes) { send_all(ssl, bytes); });
    };
}

config::Checker h2_checker(const Endpoint& target, config::Checker::Type type = config::Checker::Type::Http) {
    auto one = checker(target, type);
    one.http_protocol = std::string{"2"};
    one.urls.edit()[0].virtualhost = "www.example.org";
    return one;
}

config::Checker grpc_checker(const Endpoint& target) {
    config::Checker one;
    one.type = config::Checker::Type::Grpc;
    one.connect_timeout = kTimeout;
    one.target = target;
    one.urls.edit().push_back({.path = "/grpc.health.v1.Health/Check", .digest = {}, .status_codes = {{200, 200}}});
    return one;
}

Script serving(char status) {
    Script script;
    script.fields.emplace_back("content-type", "application/grpc");
    script.body = "\0\0\0\0\x02\x08"s + status;
    script.trailers = {{"grpc-status", "0"}};
    return script;
}

Finding health(Script& script, const std::function<void(config::Checker&)>& change = {}) {
    PlainServer server{script};
    auto what = grpc_checker(server.endpoint());
    if (change) change(what);
    return run(what);
}

}  // namespace

TEST_CASE("HTTP_GET with http_protocol 2 speaks HTTP/2 by prior knowledge, and judges status, digest and regex") {
    // effect: virtual_server/real_server/HTTP_GET: http_protocol
    Script script;
    script.body = "hello";
    {
        PlainServer server{script};
        auto what = h2_checker(server.endpoint());
        what.urls.edit()[0].digest = "5d41402abc4b2a76b9719d911017c592";
        give(what.urls.edit()[0].more, "regex", config::WordList{"^hello$"});
        const Finding finding = run(what);
        CHECK(finding.outcome == Outcome::Passed);
        CHECK(finding.reason == "HTTP status code 200 (HTTP/2)");
    }
    CHECK(script.asked[":method"] == "GET");
    CHECK(script.asked[":path"] == "/index");
    CHECK(script.asked[":authority"] == "www.example.org");
    CHECK(script.asked[":scheme"] == "http");
    CHECK(script.asked["user-agent"] == "KeepAliveClient");
    Script missing;
    missing.fields = {{":status", "404"}};
    PlainServer server{missing};
    CHECK(run(h2_checker(server.endpoint())).words == "HTTP status code error to server");
}

TEST_CASE("SSL_GET with http_protocol 2 asks for h2 by ALPN, and a server without it fails") {
    // effect: virtual_server/real_server/SSL_GET: http_protocol
    Script script;
    {
        TlsServer server{{.alpn = "h2"}, through_tls(script)};
        const Finding finding = run(h2_checker(server.endpoint(), config::Checker::Type::Ssl));
        CHECK(finding.outcome == Outcome::Passed);
    }
    CHECK(script.asked[":scheme"] == "https");
    TlsServer old{{.alpn = "http/1.1"}, [](SSL*) {}};
    const Finding finding = run(h2_checker(old.endpoint(), config::Checker::Type::Ssl));
    CHECK(finding.outcome == Outcome::Failed);
    CHECK(finding.reason == "the server does not offer HTTP/2 (ALPN h2)");
}

TEST_CASE("a server of HTTP/1, a reset stream and an endless header are distinguished") {
    const auto against = [](std::string_view text) {
        const UniqueFd listener = listen_on_any();
        std::thread server{[&] {
            const UniqueFd peer{::accept(listener.get(), nullptr, nullptr)};
            char bytes[4096];
            static_cast<void>(::recv(peer.get(), bytes, sizeof bytes, 0));
            send_all(peer.get(), text);
        }};
        Finding finding = run(h2_checker(bound_to(listener)));
        server.join();
        return finding;
    };
    const Finding old = against("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    CHECK(old.outcome == Outcome::Failed);
    CHECK(old.reason == "the server speaks HTTP/1, not HTTP/2");
    CHECK(against("").reason == "no data received: the server closed the connection before its answer had ended");
    CHECK(against("\x16\x03\x01 garbage of another protocol").reason.starts_with("no HTTP/2: "));

    Script script;
    script.reset = NGHTTP2_REFUSED_STREAM;
    {
        PlainServer server{script};
        CHECK(run(h2_checker(server.endpoint())).reason == "the stream was reset: REFUSED_STREAM");
    }
    Script endless;
    for (int i = 0; i < 30; ++i) endless.fields.emplace_back("x-" + std::to_string(i), std::string(1000, 'y'));
    PlainServer server{endless};
    CHECK(run(h2_checker(server.endpoint())).reason == "the header is longer than 16384 bytes");
}

TEST_CASE("an HTTP/2 server that says nothing has timed out") {
    const UniqueFd listener = listen_on_any();
    std::thread server{[&] {
        const UniqueFd peer{::accept(listener.get(), nullptr, nullptr)};
        outlast(peer.get());
    }};
    const Finding finding = run(h2_checker(bound_to(listener)));
    server.join();
    CHECK(finding.outcome == Outcome::TimedOut);
    CHECK(finding.reason == "timed out after 60 s: connected, but no answer");
}

TEST_CASE("GRPC_CHECK passes while the health service says SERVING") {
    // effect: virtual_server/real_server: GRPC_CHECK
    // effect: virtual_server/real_server/GRPC_CHECK: service virtualhost
    Script up = serving('\x01');
    const Finding finding = health(up, [](config::Checker& what) {
        give(what.more, "service", config::WordList{"shop.Cart"});
        what.urls.edit()[0].virtualhost = "shop.example.org";
    });
    CHECK(finding.outcome == Outcome::Passed);
    CHECK(finding.reason == "SERVING");
    CHECK(up.asked[":method"] == "POST");
    CHECK(up.asked[":path"] == "/grpc.health.v1.Health/Check");
    CHECK(up.asked[":authority"] == "shop.example.org");
    CHECK(up.asked["content-type"] == "application/grpc");
    CHECK(up.asked["te"] == "trailers");
    CHECK(up.asked_body == "\0\0\0\0\x0b\x0a\x09shop.Cart"s);

    Script down = serving('\x02');
    const Finding not_serving = health(down);
    CHECK(not_serving.outcome == Outcome::Failed);
    CHECK(not_serving.reason == "NOT_SERVING");
    CHECK(down.asked_body == "\0\0\0\0\0"s);
}

TEST_CASE("GRPC_CHECK says what a server without this service or without gRPC answered") {
    Script unknown;
    unknown.fields = {{":status", "200"},
                      {"content-type", "application/grpc"},
                      {"grpc-status", "5"},
                      {"grpc-message", "unknown service"}};
    CHECK(health(unknown).reason == "gRPC status 5 NOT_FOUND: the server does not know this service (unknown service)");
    Script web;
    web.body = "<html>";
    CHECK(health(web).reason == "no grpc-status in the answer: the server does not speak gRPC");
    Script refused;
    refused.fields = {{":status", "503"}};
    CHECK(health(refused).reason == "HTTP status code 503");
    Script flood = serving('\x01');
    flood.body = std::string(100'000, 'x');
    CHECK(health(flood).reason == "the answer is longer than 4096 bytes");
}

TEST_CASE("GRPC_CHECK through TLS agrees on h2 by ALPN and may send a server name") {
    // effect: virtual_server/real_server/GRPC_CHECK: tls enable_sni sni_name
    Script script = serving('\x01');
    TlsServer server{{.alpn = "h2"}, through_tls(script)};
    auto what = grpc_checker(server.endpoint());
    give(what.more, "tls", true);
    what.enable_sni = true;
    what.sni_name = std::string{"grpc.example.org"};
    const Finding finding = run(what);
    CHECK(finding.outcome == Outcome::Passed);
    CHECK(finding.certificate.has_value());
    CHECK(server.seen().server_name == "grpc.example.org");
}

TEST_CASE("GRPC_CHECK names the states of health and the statuses that an operator meets") {
    const auto state = [](char number) {
        Script script = serving(number);
        return health(script).reason;
    };
    CHECK(state('\x00') == "UNKNOWN");
    CHECK(state('\x03') == "SERVICE_UNKNOWN");
    const auto status = [](const std::string& number, const std::string& message = {}) {
        Script script = serving('\x01');
        script.trailers = {{"grpc-status", number}};
        if (!message.empty()) script.trailers.emplace_back("grpc-message", message);
        const Finding finding = health(script);
        CHECK(finding.outcome == Outcome::Failed);
        CHECK(finding.words == "GRPC");
        return finding.reason;
    };
    CHECK(status("5") == "gRPC status 5 NOT_FOUND: the server does not know this service");
    CHECK(status("12") == "gRPC status 12 UNIMPLEMENTED: the server has no health service");
    CHECK(status("14") == "gRPC status 14 UNAVAILABLE");
    CHECK(status("16") == "gRPC status 16 UNAUTHENTICATED");
    CHECK(status("13") == "gRPC status 13");
    CHECK(status("a\tb", "no\tway out ~") == "gRPC status a?b (no?way out ~)");
    const std::string longest(120, 'm');
    CHECK(status("2", longest) == "gRPC status 2 (" + longest + ")");
    CHECK(status("2", longest + "m") == "gRPC status 2 (" + longest + ")");
}

TEST_CASE("GRPC_CHECK refuses a message that is none or too long, in gRPC's words") {
    const auto body = [](const std::string& bytes) {
        Script script = serving('\x01');
        script.body = bytes;
        const Finding finding = health(script);
        if (finding.outcome != Outcome::Passed) CHECK(finding.words == "GRPC");
        return finding.reason;
    };
    CHECK(body("\0\0\0\0"s) == "gRPC: no message in the answer");
    CHECK(body("\x01\0\0\0\x02\x08\x01"s) == "gRPC: the answer is compressed");
    CHECK(body("\0\0\0\0\x03\x08\x01"s) == "gRPC: the answer's message is cut");
    // A field that is not known, of so many bytes that all are 4096.
    const std::string whole = "\0\0\0\x0f\xfb\x08\x01"s + "\x12\xf6\x1f"s + std::string(4086, 'u');
    REQUIRE(whole.size() == 4096);
    CHECK(body(whole) == "SERVING");
    CHECK(body(whole + "u") == "the answer is longer than 4096 bytes");
}

TEST_CASE("GRPC_CHECK without HTTP 200, and over an SSL block that cannot be used") {
    Script missing;
    missing.fields = {{":status", "404"}};
    const Finding finding = health(missing);
    CHECK(finding.outcome == Outcome::Failed);
    CHECK(finding.words == "GRPC");
    CHECK(missing.asked[":scheme"] == "http");
    CHECK(missing.asked["user-agent"] == "mainstay");

    const UniqueFd listener = listen_on_any();
    auto what = grpc_checker(bound_to(listener));
    give(what.more, "tls", true);
    config::Config broken;
    broken.more.edit().sections.push_back({"SSL", {}, {{"problem", config::WordList{"no key there"}}}, {}});
    const Finding unrun = run_with(broken, what);
    CHECK(unrun.outcome == Outcome::NotRun);
    CHECK(unrun.reason == "no key there");
}
