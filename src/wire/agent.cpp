#include "mainstay/wire/agent.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "mainstay/base/text.hpp"

namespace mainstay::wire {
namespace {

constexpr std::string_view kWordSeparators = " \t,\r\n";

std::optional<std::uint32_t> percent_of(std::string_view word) {
    if (word.size() < 2 || word.back() != '%') return std::nullopt;
    word.remove_suffix(1);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (end != word.data() + word.size()) return std::nullopt;
    return error == std::errc{} ? std::min(value, kAgentPercentMax) : kAgentPercentMax;
}

void take(AgentReply& reply, AgentReply::State state, std::string_view word) {
    reply.understood = true;
    const auto rank = [](AgentReply::State s) {
        return s == AgentReply::State::Up ? 0 : s == AgentReply::State::Drain ? 1 : 2;
    };
    if (rank(state) <= rank(reply.state)) return;
    reply.state = state;
    reply.word = word;
}

}  // namespace

AgentReply agent_reply(std::string_view line) {
    using State = AgentReply::State;
    AgentReply reply;
    line = line.substr(0, std::min(line.find_first_of("\r\n"), kAgentLineMax));
    while (!line.empty()) {
        const std::size_t begin = line.find_first_not_of(kWordSeparators);
        if (begin == std::string_view::npos) break;
        line.remove_prefix(begin);
        std::string_view word = line.substr(0, line.find_first_of(kWordSeparators));
        const std::string_view name = word.substr(0, word.find('#'));
        // A description extends to the end of the line.
        if (name.size() != word.size()) word = line;
        line.remove_prefix(word.size());
        const auto control = std::ranges::find_if(word, [](char c) { return static_cast<unsigned char>(c) < ' '; });
        word = word.substr(0, static_cast<std::size_t>(control - word.begin()));
        if (const auto percent = percent_of(name)) {
            reply.percent = percent;
            reply.understood = true;
        } else if (same_letters(name, "up") || same_letters(name, "ready")) {
            take(reply, State::Up, word);
        } else if (same_letters(name, "drain")) {
            take(reply, State::Drain, word);
        } else if (same_letters(name, "down") || same_letters(name, "fail") || same_letters(name, "failed") ||
                   same_letters(name, "stopped") || same_letters(name, "maint")) {
            take(reply, State::Down, word);
        }
    }
    return reply;
}

}  // namespace mainstay::wire
