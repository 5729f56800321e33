#include "checks.hpp"

#include <fmt/format.h>

#include "exchange.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/wire/grpc.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using lvs::Outcome;

namespace {

constexpr std::size_t kStatusBytesMax = 120;  // of its number, and of its text
constexpr const char* kHealthMethod = "/grpc.health.v1.Health/Check";

// The gRPC status codes that are likely here.
std::string_view name_of_grpc_status(std::string_view number) {
    if (number == "5") return "NOT_FOUND: the server does not know this service";
    if (number == "12") return "UNIMPLEMENTED: the server has no health service";
    if (number == "14") return "UNAVAILABLE";
    if (number == "16") return "UNAUTHENTICATED";
    return "";
}

Finding judge(const Http2Client& client, std::string_view body) {
    if (client.status() != 200)
        return failed(client.status() ? fmt::format("HTTP status code {}", *client.status()) : "no HTTP status code",
                      "GRPC");
    if (client.is_cut()) return failed(fmt::format("the answer is longer than {} bytes", wire::kGrpcAnswerMax), "GRPC");
    const std::string status = client.field("grpc-status");
    if (status.empty()) return failed("no grpc-status in the answer: the server does not speak gRPC", "GRPC");
    if (status != "0") {
        const auto name = name_of_grpc_status(status);
        const std::string message = printable(client.field("grpc-message"), kStatusBytesMax);
        return failed(fmt::format("gRPC status {}{}{}", printable(status, kStatusBytesMax),
                                  name.empty() ? "" : fmt::format(" {}", name),
                                  message.empty() ? "" : fmt::format(" ({})", message)),
                      "GRPC");
    }
    const auto serving = wire::grpc_health_answer(body);
    if (!serving) return failed(serving.error().text(), "GRPC");
    if (*serving != wire::Serving::Serving) return failed(std::string{wire::to_string(*serving)}, "GRPC");
    return {.outcome = Outcome::Passed, .reason = std::string{wire::to_string(*serving)}};
}

// The check and the stream are in the frames of the coroutines that wait for this one.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<Finding> ask(const GrpcCheck& check, Stream& stream, std::shared_ptr<Attempt::State> state) {
    std::string body;
    Http2Request request;
    request.method = "POST";
    request.scheme = stream.secured() ? "https" : "http";
    request.authority = check.authority;
    request.path = check.path;
    request.fields.emplace_back("te", "trailers");
    request.fields.emplace_back("content-type", "application/grpc");
    request.fields.emplace_back("user-agent", "mainstay");
    request.body = wire::grpc_health_request(check.service);
    request.answer_max = wire::kGrpcAnswerMax;
    auto client = Http2Client::make(std::move(request), [&body](std::string_view bytes) { body += bytes; });
    if (!client) co_return Finding{.outcome = Outcome::NotRun, .reason = client.error().text()};
    Finding finding = co_await converse(**client, stream, state, check.connection.connect_timeout);
    if (finding.outcome != Outcome::Passed) co_return finding;
    co_return judge(**client, body);
}

}  // namespace

GrpcCheck grpc_check_of(const config::Checker& checker, Toolbox& tools) {
    GrpcCheck check;
    check.connection = connection_of(checker);
    const std::string host = checker.urls.empty() ? std::string{} : checker.urls->front().virtualhost;
    check.path = checker.urls.empty() ? kHealthMethod : checker.urls->front().path;
    check.authority = host.empty() ? checker.target.to_string() : host;
    if (const std::string* service = find_word(checker.more->values, config::keyword::service))
        check.service = *service;
    if (!uses_tls(checker)) return check;
    if (const auto& tls = tools.tls())
        check.tls = *tls;
    else
        check.not_possible = tls.error().text();
    check.wish.h2 = true;
    if (checker.enable_sni) check.wish.server_name = checker.sni_name.empty() ? host : *checker.sni_name;
    return check;
}

asio::awaitable<Finding> grpc_check(GrpcCheck check, std::shared_ptr<Attempt> attempt) {
    const auto state = attempt->state();
    if (!check.not_possible.empty()) co_return found(Outcome::NotRun, check.not_possible);
    const std::function<asio::awaitable<Finding>(Stream&)> exchange = [&check, &state](Stream& stream) {
        return ask(check, stream, state);
    };
    co_return co_await complete(over_stream(check.connection, check.tls, check.wish, state, exchange), state);
}

}  // namespace mainstay::probe
