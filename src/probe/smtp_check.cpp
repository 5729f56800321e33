#include "checks.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "connect.hpp"
#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/wire/smtp_reply.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using lvs::Outcome;

namespace {

constexpr unsigned kGreeting = 220, kDone = 250;
constexpr std::size_t kReplyReadBytes = 1024;

Finding broken_dialogue(const Attempt::State& state, const boost::system::error_code& error, const char* attempted) {
    Finding finding = finding_of(state, error, attempted);
    if (error == asio::error::eof && finding.outcome == Outcome::Failed) finding.reason = "closed by the server";
    finding.words = finding.outcome == Outcome::TimedOut ? "Read timeout from server" : "Connection closed by server";
    return finding;
}

// Passed: the dialogue goes on.
Finding judge(const wire::SmtpReply& reply, unsigned wanted, const char* words) {
    if (reply.sound && reply.code == wanted) return found(Outcome::Passed, fmt::format("SMTP status code {}", wanted));
    return found(Outcome::Failed,
                 reply.sound ? fmt::format("SMTP status code {}", reply.code) : std::string{"no SMTP reply"}, words);
}

// The commands, and the expected reply of each.
struct Step {
    std::string line;
    unsigned wanted = 0;  // 0: any
    const char* words = "";
};
std::vector<Step> steps_of(const std::string& helo) {
    return {{{}, kGreeting, "Bad greeting banner from server"},
            {fmt::format("HELO {}\r\n", helo), kDone, "Bad HELO response from server"},
            {"QUIT\r\n", 0, ""}};  // keepalived: any reply
}

asio::awaitable<Finding> exchange(SmtpCheck check, std::shared_ptr<Attempt::State> state) {
    Finding finding = co_await connect(check.connection, state);
    if (finding.outcome != Outcome::Passed) {
        finding.words =
            finding.outcome == Outcome::TimedOut ? "Connection timeout to server" : "Could not connect to server";
        co_return finding;
    }
    const Micros limit = check.connection.connect_timeout;
    const std::vector<Step> steps = steps_of(check.helo);
    std::array<char, kReplyReadBytes> bytes{};
    boost::system::error_code error;
    for (const Step& step : steps) {
        if (!step.line.empty()) {
            state->guard(limit);
            co_await asio::async_write(state->socket, asio::buffer(step.line),
                                       asio::redirect_error(asio::use_awaitable, error));
            if (error) co_return broken_dialogue(*state, error, "write");
        }
        wire::SmtpReplyReader reader;
        std::optional<wire::SmtpReply> reply;
        while (!reply) {
            state->guard(limit);
            const std::size_t size = co_await state->socket.async_read_some(
                asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
            if (error) co_return broken_dialogue(*state, error, "read");
            reply = reader.feed(std::string_view{bytes.data(), size});
        }
        if (step.wanted == 0) break;
        finding = judge(*reply, step.wanted, step.words);
        if (finding.outcome != Outcome::Passed) break;
    }
    co_return finding;
}

}  // namespace

SmtpCheck smtp_check_of(const config::Checker& checker) {
    return {connection_of(checker), first_word_or_default(checker.more->values, config::keyword::helo_name)};
}

asio::awaitable<Finding> smtp_check(SmtpCheck check, std::shared_ptr<Attempt> attempt) {
    const auto state = attempt->state();
    co_return co_await complete(exchange(std::move(check), state), state);
}

}  // namespace mainstay::probe
