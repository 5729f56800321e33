#include "mainstay/probe/http_check.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "connect.hpp"
#include "mainstay/wire/http.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using lvs::Outcome;

namespace {

constexpr std::size_t kReadBytes = 4096;

class Md5 {
public:
    Md5() : context_{EVP_MD_CTX_new(), EVP_MD_CTX_free} {
        usable_ = context_ && EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr) == 1;
    }
    void add(std::string_view bytes) {
        usable_ = usable_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
    }
    // Empty when this host's library does without MD5.
    [[nodiscard]] std::string hex() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
        unsigned size = 0;
        if (!usable_ || EVP_DigestFinal_ex(context_.get(), raw.data(), &size) != 1) return {};
        std::string text;
        for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", raw[i]);
        return text;
    }

private:
    std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
    bool usable_ = false;
};

Finding failed(std::string reason, std::string words) {
    return {Outcome::Failed, std::move(reason), {}, std::move(words)};
}

// The order is keepalived's: data, status, digest.
Finding judge(const HttpCheck& check, const wire::HttpReader& answer, Md5& md5) {
    if (answer.header_too_long()) {
        return failed(fmt::format("the header is longer than {} bytes", wire::kHttpHeaderMax),
                      "Connection failed server");
    }
    if (!answer.header_ended()) return failed("no data received", "Connection failed server");
    const auto status = answer.status();
    if (!status) return failed("no HTTP status code", "HTTP status code error to server");
    const bool accepted = std::ranges::any_of(
        check.status_codes, [&](const config::HttpUrl::Codes& c) { return c.from <= *status && *status <= c.to; });
    if (!accepted) return failed(fmt::format("HTTP status code {}", *status), "HTTP status code error to server");
    if (!check.digest.empty()) {
        const std::string digest = md5.hex();
        if (digest.empty()) return {Outcome::NotRun, "this host has no MD5", {}, {}};
        if (digest != check.digest) return failed(fmt::format("MD5 digest {}", digest), "MD5 digest error to server");
    }
    return {Outcome::Passed, fmt::format("HTTP status code {}", *status), {}, {}};
}

Finding broken(const Attempt::State& state, const boost::system::error_code& error, Micros limit,
               const char* attempted) {
    Finding finding = finding_of(state, error, limit, attempted);
    if (finding.outcome == Outcome::NotRun && !state.cancelled) finding.outcome = Outcome::Failed;
    finding.words = finding.outcome == Outcome::TimedOut ? "Timeout HTTP read server" : "Connection failed server";
    return finding;
}

asio::awaitable<Finding> exchange(HttpCheck check, std::shared_ptr<Attempt::State> state) {
    const Micros limit = check.connection.connect_timeout;
    const auto end = Clock::now() + limit * kHttpWaitsMax;
    boost::system::error_code error;
    state->guard(limit);
    co_await asio::async_write(state->socket, asio::buffer(check.request),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error || state->expired) co_return broken(*state, error, limit, "write");

    wire::HttpReader answer;
    Md5 md5;
    std::array<char, kReadBytes> bytes{};
    while (!answer.header_too_long()) {
        const auto left = std::chrono::duration_cast<Micros>(end - Clock::now());
        state->guard(std::clamp(left, Micros{0}, limit));
        const std::size_t size = co_await state->socket.async_read_some(
            asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
        if (state->expired || state->cancelled) co_return broken(*state, error, limit, "read");
        if (error == asio::error::eof) break;
        if (error) co_return broken(*state, error, limit, "read");
        md5.add(answer.feed({bytes.data(), size}));
    }
    state->watchdog.cancel();
    co_return judge(check, answer, md5);
}

}  // namespace

HttpCheck http_check_of(const config::Checker& checker, std::size_t url) {
    HttpCheck check{
        .connection = connection_of(checker), .request = {}, .refused = {}, .digest = {}, .status_codes = {}};
    if (url >= checker.urls.size()) {
        check.refused = "there is no such url";
        return check;
    }
    const auto& wanted = checker.urls[url];
    check.digest = wanted.digest;
    check.status_codes = wanted.status_codes;
    auto request =
        wire::http_request({.path = wanted.path,
                            .host = wanted.virtualhost.empty() ? checker.target.to_string() : wanted.virtualhost,
                            .protocol = checker.http_protocol.empty() ? "1.0" : *checker.http_protocol});
    if (request)
        check.request = std::move(*request);
    else
        check.refused = request.error().text();
    return check;
}

asio::awaitable<Finding> http_check(HttpCheck check, std::shared_ptr<Attempt> attempt) {
    const auto started = Clock::now();
    const auto state = attempt->state();
    Finding finding;
    if (!check.refused.empty()) {
        finding = failed(check.refused, "Connection failed server");
    } else {
        finding = co_await connect(check.connection, state);
        if (finding.outcome == Outcome::Passed)
            finding = co_await exchange(check, state);
        else
            finding.words =
                finding.outcome == Outcome::TimedOut ? "Timeout connecting server" : "Error connecting server";
    }
    state->watchdog.cancel();
    state->close();
    finding.duration = std::chrono::duration_cast<Micros>(Clock::now() - started);
    co_return finding;
}

}  // namespace mainstay::probe
