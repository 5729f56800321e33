// Commands: `notify_master "/path/x.sh arg" user group`.
//
// keepalived parses such a line again from its raw text. First the command word is cut out, with any kind of quotes;
// then it is split into arguments, in which quotes group and backslashes escape.
#include <algorithm>

#include "parse_context.hpp"

namespace mainstay::config {
namespace {

constexpr bool ends_argument(char c) { return c == ' ' || c == '\t' || c == '\r'; }

void skip_blanks(std::string_view& text) {
    while (!text.empty() && ends_argument(text.front())) text.remove_prefix(1);
}

// Removes one word from `text` and returns it without outer quotes. Nullopt if a quote is not closed.
std::optional<std::string> take_word(std::string_view& text) {
    skip_blanks(text);
    std::string word;
    char quote = 0;
    const bool whole_quoted = !text.empty() && (text.front() == '"' || text.front() == '\'');
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (quote != 0 && c == quote) {
            quote = 0;
            if (whole_quoted) {
                ++at;
                break;
            }
            word += c;
        } else if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
            if (!whole_quoted) word += c;
        } else if (quote == 0 && ends_argument(c)) {
            break;
        } else {
            word += c;
            if (c == '\\' && at + 1 < text.size()) word += text[++at];
        }
    }
    if (quote != 0) return std::nullopt;
    text.remove_prefix(at);
    return word;
}

int digit_of(char c, int base) {
    const int value = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : 99;
    return value < base ? value : -1;
}

// The character that the escape at text[at] (behind the backslash) stands for; `at` moves to its last character.
char unescape(std::string_view text, std::size_t& at) {
    constexpr std::string_view kNames = "abEfnrtv";
    constexpr std::string_view kMeans = "\a\b\x1b\f\n\r\t\v";
    const char c = text[at];
    if (const std::size_t i = kNames.find(c); i != std::string_view::npos) return kMeans[i];
    const auto number = [&](std::size_t from, std::size_t most, int base) {
        int value = 0;
        std::size_t i = from;
        while (i < text.size() && i < from + most && digit_of(text[i], base) >= 0)
            value = value * base + digit_of(text[i++], base);
        at = i - 1;
        return static_cast<char>(value);
    };
    if (c == 'x' && at + 1 < text.size() && digit_of(text[at + 1], 16) >= 0) return number(at + 1, 2, 16);
    if (digit_of(c, 8) >= 0) return number(at, 3, 8);
    if (c == 'c' && at + 1 < text.size()) return static_cast<char>(text[++at] & 0x1f);
    return c;
}

}  // namespace

std::optional<std::vector<std::string>> split_arguments(std::string_view text) {
    std::vector<std::string> arguments;
    while (skip_blanks(text), !text.empty()) {
        std::string argument;
        char quote = 0;
        std::size_t at = 0;
        for (; at < text.size() && (quote != 0 || !ends_argument(text[at])); ++at) {
            const char c = text[at];
            if (c == '\\' && at + 1 < text.size() && quote != '\'') {
                argument += unescape(text, ++at);
            } else if (quote == 0 && (c == '"' || c == '\'')) {
                quote = c;
            } else if (quote != 0 && c == quote) {
                quote = 0;
            } else {
                argument += c;
            }
        }
        if (quote != 0) return std::nullopt;
        arguments.push_back(std::move(argument));
        text.remove_prefix(at);
    }
    return arguments;
}

std::optional<Command> read_command(ParseContext& reading, const KeywordSpec& row, const Statement& statement) {
    const Mark mark = statement.words.size() > 1 ? statement.words[1].mark : statement.mark;
    std::string_view raw = statement.raw.substr(statement.words[0].mark.length);
    const auto word = take_word(raw);
    std::optional<std::vector<std::string>> argv;
    if (word) argv = split_arguments(*word);
    if (!argv || argv->empty()) {
        // keepalived's -t passes over the empty command of a notification (2.2.7).
        const bool notifies = row.name.starts_with("notify") || row.name.starts_with("quorum");
        auto& d = reading.diag.add(argv && notifies ? Severity::Warning : Severity::Error,
                                   argv && notifies ? Rank::None : Rank::Config, Code::BadCommand, mark,
                                   argv ? fmt::format("{} has an empty command", row.name)
                                        : fmt::format("{}: a quote is not closed inside the command", row.name));
        d.effect = "the command is not run";
        return std::nullopt;
    }
    Command command;
    command.argv = std::move(*argv);
    if (auto user = take_word(raw); user && !user->empty()) command.user = std::move(*user);
    if (auto group = take_word(raw); group && !group->empty()) command.group = std::move(*group);
    return command;
}

}  // namespace mainstay::config
