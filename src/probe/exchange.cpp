#include "exchange.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <optional>

namespace mainstay::probe {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using lvs::Outcome;

namespace {

constexpr const char* kTlsWords = "SSL handshake/communication error connecting to server";

// The result of a finished handshake. Passed: the stream can be used.
Finding secured(const Attempt::State& state, const Transfer& transfer, const Stream& stream, bool h2) {
    if (state.expired && !state.cancelled) {
        Finding finding = finding_of(state, transfer.error, "TLS handshake");
        finding.reason += " in the TLS handshake";
        finding.words = "Timeout connecting server";
        return finding;
    }
    if (!transfer.good()) {
        Finding finding = broken(state, transfer);
        if (finding.outcome != Outcome::NotRun) {
            finding.reason = fmt::format("{} (TLS handshake)", finding.reason);
            finding.words = kTlsWords;
        }
        return finding;
    }
    Finding finding = found(Outcome::Passed, "connected");
    if (h2 && !stream.speaks_h2()) finding = failed("the server does not offer HTTP/2 (ALPN h2)", kTlsWords);
    finding.certificate = stream.certificate();
    return finding;
}

}  // namespace

void AnswerTime::guard_next_wait(Attempt::State& state) const { state.guard(limit_, tls_ ? begun_ : Clock::now()); }

bool closed_by_server(const Attempt::State& state, const Transfer& transfer) {
    if (state.expired || state.cancelled || !transfer.tls.empty()) return false;
    return transfer.error.value() == ECONNRESET || transfer.error.value() == EPIPE;
}

Finding broken(const Attempt::State& state, const Transfer& transfer) {
    if (!state.expired && !state.cancelled && !transfer.tls.empty())
        return failed(fmt::format("TLS: {}", transfer.tls), kTlsWords);
    Finding finding = finding_of(state, transfer.error, "the exchange");
    finding.words = finding.outcome == Outcome::TimedOut ? "Timeout HTTP read server" : "Connection failed server";
    return finding;
}

asio::awaitable<Finding> over_stream(Connection connection, std::shared_ptr<const TlsClient> client, TlsWish wish,
                                     std::shared_ptr<Attempt::State> state,
                                     std::function<asio::awaitable<Finding>(Stream&)> exchange) {
    const Micros limit = connection.connect_timeout;
    Stream stream{state};
    Finding finding = co_await connect(std::move(connection), state);
    if (finding.outcome != Outcome::Passed) {
        finding.words = finding.outcome == Outcome::TimedOut ? "Timeout connecting server" : "Error connecting server";
        co_return finding;
    }
    if (client) {
        const bool h2 = wish.h2;
        state->guard(limit, state->begun);
        const Transfer transfer = co_await stream.handshake(std::move(client), std::move(wish));
        finding = secured(*state, transfer, stream, h2);
        if (finding.outcome != Outcome::Passed) co_return finding;
    }
    auto certificate = std::move(finding.certificate);
    finding = co_await exchange(stream);
    finding.certificate = std::move(certificate);
    co_return finding;
}

// The client and the stream are in the frames of the coroutines that wait for this one.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<Finding> converse(Http2Client& client, Stream& stream, std::shared_ptr<Attempt::State> state,
                                  Micros limit) {
    const AnswerTime time{limit, stream.secured()};
    std::array<char, kReadBytes> bytes{};
    std::optional<Transfer> closed;
    for (;;) {
        time.guard_next_wait(*state);
        std::string out = client.output();
        if (!out.empty() && !closed) {
            const Transfer sent = co_await stream.write_all(std::move(out));
            if (closed_by_server(*state, sent))
                closed = sent;
            else if (!sent.good() || state->expired || state->cancelled)
                co_return broken(*state, sent);
        }
        if (client.done()) break;
        const Transfer got = co_await stream.read_some(bytes);
        if (!got.good() || state->expired || state->cancelled) co_return broken(*state, got);
        if (got.ended && closed) co_return broken(*state, *closed);
        if (got.ended) {
            co_return failed("no data received: the server closed the connection before its answer had ended",
                             "Connection failed server");
        }
        const auto taken = client.feed({bytes.data(), got.size});
        if (!taken) co_return failed(taken.error().text(), "Connection failed server");
    }
    stream.finish();
    if (!client.problem().empty()) co_return failed(client.problem(), "Connection failed server");
    Finding finding;
    finding.outcome = Outcome::Passed;
    co_return finding;
}

}  // namespace mainstay::probe
