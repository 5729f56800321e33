#include "exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mainstay/probe/http_check.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using lvs::Outcome;

namespace {

constexpr std::size_t kReadBytes = 4096;
constexpr const char* kTlsWords = "SSL handshake/communication error connecting to server";

}  // namespace

AnswerTime::AnswerTime(Micros limit, bool tls)
    : limit_{limit}, together_{tls}, end_{Clock::now() + (tls ? 1 : kHttpWaitsMax) * limit} {}

void AnswerTime::guard_next_wait(Attempt::State& state) const {
    const auto left = std::chrono::duration_cast<Micros>(end_ - Clock::now());
    state.guard(std::clamp(left, Micros{0}, limit_));
}

Finding failed(std::string reason, std::string words) {
    return {.outcome = Outcome::Failed, .reason = std::move(reason), .words = std::move(words)};
}

Finding broken(const Attempt::State& state, const Transfer& transfer, Micros limit) {
    if (!state.expired && !state.cancelled && !transfer.tls.empty())
        return failed(fmt::format("TLS: {}", transfer.tls), kTlsWords);
    Finding finding = finding_of(state, transfer.error, limit, "the exchange");
    finding.words = finding.outcome == Outcome::TimedOut ? "Timeout HTTP read server" : "Connection failed server";
    return finding;
}

asio::awaitable<Finding> open_stream(Connection connection, std::shared_ptr<const TlsClient> client, TlsWish wish,
                                     std::shared_ptr<Attempt::State> state, Stream& stream) {
    const auto end = Clock::now() + connection.connect_timeout;
    Finding finding = co_await connect(connection, state);
    if (finding.outcome != Outcome::Passed) {
        finding.words = finding.outcome == Outcome::TimedOut ? "Timeout connecting server" : "Error connecting server";
        co_return finding;
    }
    if (!client) co_return finding;
    const bool h2 = wish.h2;
    state->guard(std::max(std::chrono::duration_cast<Micros>(end - Clock::now()), Micros{0}));
    const Transfer transfer = co_await stream.handshake(std::move(client), std::move(wish));
    if (state->expired && !state->cancelled) {
        finding = finding_of(*state, transfer.error, connection.connect_timeout, "TLS handshake");
        finding.reason += " in the TLS handshake";
        finding.words = "Timeout connecting server";
        co_return finding;
    }
    if (!transfer.good()) {
        finding = broken(*state, transfer, connection.connect_timeout);
        if (finding.outcome != Outcome::NotRun) {
            finding.reason = fmt::format("{} (TLS handshake)", finding.reason);
            finding.words = kTlsWords;
        }
        co_return finding;
    }
    finding.certificate = stream.certificate();
    if (h2 && !stream.speaks_h2()) {
        finding.outcome = Outcome::Failed;
        finding.reason = "the server does not offer HTTP/2 (ALPN h2)";
        finding.words = kTlsWords;
    }
    co_return finding;
}

asio::awaitable<Finding> converse(Http2Client& client, Stream& stream, std::shared_ptr<Attempt::State> state,
                                  Micros limit) {
    const AnswerTime time{limit, stream.secured()};
    std::array<char, kReadBytes> bytes{};
    for (;;) {
        time.guard_next_wait(*state);
        std::string out = client.output();
        if (!out.empty()) {
            const Transfer sent = co_await stream.write_all(std::move(out));
            if (!sent.good() || state->expired || state->cancelled) co_return broken(*state, sent, limit);
        }
        if (client.done()) break;
        const Transfer got = co_await stream.read_some(bytes);
        if (!got.good() || state->expired || state->cancelled) co_return broken(*state, got, limit);
        if (got.ended) {
            co_return failed("no data received: the server closed the connection before its answer had ended",
                             "Connection failed server");
        }
        const auto taken = client.feed({bytes.data(), got.size});
        if (!taken) co_return failed(taken.error().text(), "Connection failed server");
    }
    state->watchdog.cancel();
    stream.finish();
    if (!client.problem().empty()) co_return failed(client.problem(), "Connection failed server");
    Finding finding;
    finding.outcome = Outcome::Passed;
    co_return finding;
}

}  // namespace mainstay::probe
