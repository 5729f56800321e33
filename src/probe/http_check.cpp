#include "mainstay/probe/http_check.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "exchange.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/wire/http.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using lvs::Outcome;

namespace {

class Md5 {
public:
    Md5() {
        context_.reset(::EVP_MD_CTX_new());
        usable_ = context_ && ::EVP_DigestInit_ex(context_.get(), ::EVP_md5(), nullptr) == 1;
    }
    void add(std::string_view bytes) {
        usable_ = usable_ && ::EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
    }
    // Empty on a host without MD5 (FIPS mode).
    [[nodiscard]] std::string hex() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
        unsigned size = 0;
        if (!usable_ || ::EVP_DigestFinal_ex(context_.get(), raw.data(), &size) != 1) return {};
        std::string text;
        for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", raw[i]);
        return text;
    }

private:
    struct Freed {
        void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Freed> context_;
    bool usable_ = false;
};

// The conditions on the body, evaluated as it arrives.
class BodyCheck {
public:
    explicit BodyCheck(const HttpCheck& check) : most_{check.body_max} {
        if (!check.digest.empty()) md5_ = std::make_unique<Md5>();
        if (check.regex) matcher_ = std::make_unique<RegexMatcher>(check.regex);
    }
    void add(std::string_view bytes) {
        bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), most_ - size_)));
        size_ += bytes.size();
        if (md5_) md5_->add(bytes);
        if (matcher_) matcher_->feed(bytes);
    }
    // More would have followed than is read.
    void cut() { is_cut_ = true; }
    [[nodiscard]] bool is_cut() const { return is_cut_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }
    // None: the body is accepted. The order is keepalived's: digest, regex.
    [[nodiscard]] std::optional<Finding> end(const HttpCheck& check) {
        if (md5_ && is_cut_)
            return failed(fmt::format("the body is longer than {} bytes (max_body_length): it has no digest", most_),
                          "MD5 digest error to server");
        if (md5_) {
            const std::string digest = md5_->hex();
            if (digest.empty()) return Finding{.outcome = Outcome::NotRun, .reason = "this host has no MD5"};
            if (digest != check.digest) {
                Finding other =
                    failed(fmt::format("MD5 digest {} of {} bytes", digest, size_), "MD5 digest error to server");
                other.digest = digest;
                return other;
            }
        }
        if (!matcher_) return std::nullopt;
        matcher_->end(is_cut_);
        const bool is_open = is_cut_ && !matcher_->matched();
        if (matcher_->holds() && !is_open) return std::nullopt;
        return failed(why_no_match(check), "Regex match failed server");
    }

private:
    [[nodiscard]] std::string why_no_match(const HttpCheck& check) const {
        if (!matcher_->problem().empty()) return matcher_->problem();
        const bool must_not_match = check.regex->words().must_not_match;
        if (must_not_match && matcher_->matched()) return "the regex matches, which it must not";
        if (must_not_match)
            return fmt::format(
                "the body is longer than {} bytes (max_body_length): the regex, which must not match, may match in the "
                "rest",
                most_);
        if (matcher_->window_was_hit())
            return fmt::format("the regex does not match within any {} bytes", kRegexWindowMax);
        if (is_cut_)
            return fmt::format("the regex does not match in the first {} bytes of a longer body (max_body_length)",
                               most_);
        return fmt::format("the regex does not match in {} bytes", size_);
    }

    std::unique_ptr<Md5> md5_;
    std::unique_ptr<RegexMatcher> matcher_;
    std::uint64_t most_, size_ = 0;
    bool is_cut_ = false;
};

// `remark`: on an answer that is accepted; empty: none.
Finding judge(const HttpCheck& check, std::uint16_t status, BodyCheck& body, std::string remark) {
    const bool accepted = std::ranges::any_of(
        check.status_codes, [&](const config::HttpUrl::Codes& c) { return c.from <= status && status <= c.to; });
    if (!accepted) return failed(fmt::format("HTTP status code {}", status), "HTTP status code error to server");
    if (auto wrong = body.end(check)) return std::move(*wrong);
    if (body.is_cut())
        remark += fmt::format("{}the body is longer than {} bytes, the rest is not read", remark.empty() ? "" : ", ",
                              check.body_max);
    if (!remark.empty()) remark = fmt::format(" ({})", remark);
    return {.outcome = Outcome::Passed, .reason = fmt::format("HTTP status code {}{}", status, remark)};
}

// keepalived logs a length that differs from the body's, but accepts it.
std::string remark_on(const wire::HttpReader& answer) {
    const auto length = answer.content_length();
    if (!length || *length == answer.body_received()) return {};
    return fmt::format("Content-Length {}, {} bytes came", *length, answer.body_received());
}

Finding judge_http1(const HttpCheck& check, const wire::HttpReader& answer, BodyCheck& body) {
    constexpr const char* kNoAnswer = "Connection failed server";
    if (answer.header_too_long())
        return failed(fmt::format("the header is longer than {} bytes", wire::kHttpHeaderMax), kNoAnswer);
    if (!answer.header_ended()) {
        const auto got = answer.header();
        if (got.empty()) return failed("no data received", kNoAnswer);
        return failed(got.starts_with("HTTP/")
                          ? fmt::format("no data received: the header is cut after {} bytes", got.size())
                          : fmt::format("no data received: {} bytes without an HTTP header", got.size()),
                      kNoAnswer);
    }
    if (!answer.status()) return failed("no HTTP status code", "HTTP status code error to server");
    return judge(check, *answer.status(), body, body.is_cut() ? std::string{} : remark_on(answer));
}

// The reason of a timeout, for people.
void explain(Finding& finding, const wire::HttpReader& answer, std::uint64_t received) {
    if (finding.outcome != Outcome::TimedOut) return;
    if (received == 0)
        finding.reason += ": connected, but no answer";
    else if (!answer.header_ended())
        finding.reason += fmt::format(": {} bytes of a header that has not ended", received);
    else
        finding.reason += fmt::format(": {} bytes, and the server has not closed the connection", received);
}

// Of a connection that the server closed: only its length shows whether the answer is complete.
Finding cut_short(const Attempt::State& state, const Transfer& transfer, const wire::HttpReader& answer) {
    Finding finding = broken(state, transfer);
    if (!answer.header_ended()) return finding;
    if (answer.declared_length())
        finding.reason +=
            fmt::format(": {} of {} bytes of the answer have come", answer.body_received(), *answer.declared_length());
    else
        finding.reason +=
            fmt::format(": {} bytes have come of an answer that does not tell where it ends", answer.body_received());
    return finding;
}

// The check and the stream are in the frames of the coroutines that wait for this one.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<Finding> exchange_http1(const HttpCheck& check, Stream& stream, std::shared_ptr<Attempt::State> state) {
    wire::HttpReader answer;
    BodyCheck body{check};
    std::uint64_t received = 0;
    const AnswerTime time{check.connection.connect_timeout, stream.secured()};
    time.guard_next_wait(*state);
    std::string request = check.request;
    Transfer last = co_await stream.write_all(std::move(request));
    bool closed = closed_by_server(*state, last);
    if (!closed && (!last.good() || state->expired || state->cancelled)) co_return broken(*state, last);

    std::array<char, kReadBytes> bytes{};
    while (!answer.header_too_long()) {
        time.guard_next_wait(*state);
        const Transfer got = co_await stream.read_some(bytes);
        if (closed_by_server(*state, got)) {
            closed = true;
            last = got;
            break;
        }
        if (!got.good() || state->expired || state->cancelled) {
            Finding finding = broken(*state, got);
            explain(finding, answer, received);
            co_return finding;
        }
        if (got.ended) break;
        received += got.size;
        body.add(answer.feed({bytes.data(), got.size}));
        if (answer.body_received() <= check.body_max) continue;
        const auto length = answer.content_length();
        if (!length || body.size() < *length) body.cut();  // what follows Content-Length is not the body's
        break;
    }
    if (closed && !answer.whole() && !answer.header_too_long()) co_return cut_short(*state, last, answer);
    stream.finish();
    co_return judge_http1(check, answer, body);
}

// As above.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<Finding> exchange_http2(const HttpCheck& check, Stream& stream, std::shared_ptr<Attempt::State> state) {
    BodyCheck body{check};
    Http2Request request;
    request.scheme = stream.secured() ? "https" : "http";
    request.authority = check.host;
    request.path = check.path;
    request.fields.emplace_back("user-agent", "KeepAliveClient");
    request.answer_max = check.body_max;
    auto client = Http2Client::make(std::move(request), [&body](std::string_view bytes) { body.add(bytes); });
    if (!client) co_return Finding{.outcome = Outcome::NotRun, .reason = client.error().text()};
    Finding finding = co_await converse(**client, stream, state, check.connection.connect_timeout);
    if (finding.outcome != Outcome::Passed) {
        if (finding.outcome == Outcome::TimedOut && body.size() == 0) finding.reason += ": connected, but no answer";
        co_return finding;
    }
    const auto status = (*client)->status();
    if (!status) co_return failed("no HTTP status code", "HTTP status code error to server");
    if ((*client)->is_cut()) body.cut();
    co_return judge(check, *status, body, "HTTP/2");
}

}  // namespace

HttpCheck http_check_of(const config::Checker& checker, std::size_t url, Toolbox& tools) {
    HttpCheck check;
    check.connection = connection_of(checker);
    if (url >= checker.urls->size()) {
        check.refused = "there is no such url";
        return check;
    }
    const auto& wanted = (*checker.urls)[url];
    check.digest = wanted.digest;
    const auto most = config::value_of(wanted.more->values, config::keyword::max_body_length);
    check.body_max = most                   ? static_cast<std::uint64_t>(*most)
                     : check.digest.empty() ? kHttpBodyMax
                                            : kHttpDigestBodyMax;
    check.status_codes = wanted.status_codes;
    check.path = wanted.path;
    check.host = wanted.virtualhost.empty() ? checker.target.to_string() : wanted.virtualhost;
    const std::string protocol = checker.http_protocol.empty() ? "1.0" : *checker.http_protocol;
    check.http2 = protocol == "2";
    if (const auto compiled = tools.regex(wanted))
        check.regex = *compiled;
    else
        check.not_possible = compiled.error().text();
    if (uses_tls(checker)) {
        if (const auto& tls = tools.tls())
            check.tls = *tls;
        else
            check.not_possible = tls.error().text();
        if (checker.enable_sni)
            check.wish.server_name = checker.sni_name.empty() ? wanted.virtualhost : *checker.sni_name;
        check.wish.h2 = check.http2;
        check.wish.close_notify = config::value_of(wanted.more->values, config::keyword::tls_compliant)
                                      .value_or(config::flag(checker.more->values, config::keyword::tls_compliant));
    }
    if (check.http2) return check;
    auto request = wire::http_request({.path = wanted.path, .host = check.host, .protocol = protocol});
    if (request)
        check.request = std::move(*request);
    else
        check.refused = request.error().text();
    return check;
}

asio::awaitable<Finding> http_check(HttpCheck check, std::shared_ptr<Attempt> attempt) {
    const auto state = attempt->state();
    if (!check.not_possible.empty()) co_return found(Outcome::NotRun, check.not_possible);
    if (!check.refused.empty()) co_return failed(check.refused, "Connection failed server");
    const std::function<asio::awaitable<Finding>(Stream&)> exchange = [&check, &state](Stream& stream) {
        return check.http2 ? exchange_http2(check, stream, state) : exchange_http1(check, stream, state);
    };
    co_return co_await complete(over_stream(check.connection, check.tls, check.wish, state, exchange), state);
}

}  // namespace mainstay::probe
