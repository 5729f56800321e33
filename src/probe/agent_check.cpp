#include "checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "connect.hpp"
#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/wire/agent.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using lvs::Outcome;

namespace {

// The received text without unprintable bytes.
std::string shown(std::string_view line) {
    constexpr std::size_t kShown = 40;
    std::string text;
    for (const char c : line.substr(0, std::min(line.find_first_of("\r\n"), kShown)))
        text += c >= ' ' && c <= '~' ? c : '?';
    return text;
}

Finding judge(const std::string& line) {
    if (line.empty())
        return {.outcome = Outcome::Failed, .reason = "the agent closed the connection without an answer"};
    if (std::min(line.find('\n'), line.size()) >= wire::kAgentLineMax)
        return {.outcome = Outcome::Failed,
                .reason = fmt::format("the agent's line is longer than {} bytes", wire::kAgentLineMax)};
    const wire::AgentReply reply = wire::agent_reply(line);
    if (!reply.understood)
        return {.outcome = Outcome::Failed,
                .reason = fmt::format("the agent's answer is not understood: '{}'", shown(line))};
    if (reply.state == wire::AgentReply::State::Down)
        return {.outcome = Outcome::Failed, .reason = fmt::format("the agent says {}", reply.word)};
    Finding finding{.outcome = Outcome::Passed, .reason = "the agent says up"};
    if (reply.state == wire::AgentReply::State::Drain) {
        finding.reason = fmt::format("the agent says {}", reply.word);
        finding.weight_percent = 0;
    } else if (reply.percent) {
        finding.reason = fmt::format("the agent says {}%", *reply.percent);
        finding.weight_percent = reply.percent;
    }
    return finding;
}

asio::awaitable<Finding> exchange(AgentCheck check, std::shared_ptr<Attempt::State> state) {
    Finding connected = co_await connect(check.connection, state);
    if (connected.outcome != Outcome::Passed) co_return connected;
    const Micros limit = check.connection.connect_timeout;
    boost::system::error_code error;
    if (!check.send.empty()) {
        state->guard(limit);
        co_await asio::async_write(state->socket, asio::buffer(check.send),
                                   asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return finding_of(*state, error, "write");
    }
    std::string line;
    std::array<char, wire::kAgentLineMax> bytes{};
    while (line.size() < wire::kAgentLineMax && line.find('\n') == std::string::npos) {
        state->guard(limit);
        const std::size_t size = co_await state->socket.async_read_some(
            asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::eof) break;
        if (error) co_return finding_of(*state, error, "read");
        line.append(bytes.data(), size);
    }
    co_return judge(line);
}

}  // namespace

std::string without_escapes(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
        const char meant = next == 'r' ? '\r' : next == 'n' ? '\n' : next == 't' ? '\t' : next == '\\' ? '\\' : '\0';
        if (meant != '\0') ++i;
        out += meant != '\0' ? meant : text[i];
    }
    return out;
}

AgentCheck agent_check_of(const config::Checker& checker) {
    AgentCheck check{.connection = connection_of(checker)};
    if (const std::string* send = find_word(checker.more->values, config::keyword::send))
        check.send = without_escapes(*send);
    return check;
}

asio::awaitable<Finding> agent_check(AgentCheck check, std::shared_ptr<Attempt> attempt) {
    const auto state = attempt->state();
    co_return co_await complete(exchange(std::move(check), state), state);
}

}  // namespace mainstay::probe
