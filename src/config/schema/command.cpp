// Commands: `notify_master "/path/x.sh arg" user group`.
//
// keepalived parses such a line again from its raw text. First the command word is cut out, then that is cut into
// arguments, both in the same way, so that what an argument is to have in quotes or escaped is written with \" and two
// backslashes (watched on 2.2.7, tests/config/cases/scripts.txt).
#include <algorithm>
#include <expected>

#include "mainstay/base/text.hpp"
#include "parse_context.hpp"

namespace mainstay::config {
namespace {

constexpr std::string_view kBlanks = " \t\n\v\f\r";
constexpr bool is_blank(char c) { return kBlanks.find(c) != kBlanks.npos; }

void skip_blanks(std::string_view& text) { text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size())); }

// Removes one word from `text` and returns it without its quotes and escapes, which both kinds of quotes may hold. An
// error: how it ends.
std::expected<std::string, const char*> take_word(std::string_view& text) {
    skip_blanks(text);
    std::string word;
    char quote = 0;
    std::size_t at = 0;
    for (; at < text.size() && (quote != 0 || !is_blank(text[at])); ++at) {
        const char c = text[at];
        if (c == '\\') {
            if (++at == text.size()) return std::unexpected{"a \\ is the last character of the command"};
            word += unescaped(text, at);
        } else if (c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
        } else {
            word += c;
        }
    }
    if (quote != 0) return std::unexpected{"a quote is not closed inside the command"};
    text.remove_prefix(at);
    return word;
}

}  // namespace

std::expected<std::vector<std::string>, const char*> split_arguments(std::string_view text) {
    std::vector<std::string> arguments;
    while (skip_blanks(text), !text.empty()) {
        auto argument = take_word(text);
        if (!argument) return std::unexpected{argument.error()};
        arguments.push_back(std::move(*argument));
    }
    return arguments;
}

std::optional<Command> read_command(ParseContext& reading, const KeywordSpec& row, const Statement& statement) {
    const Mark mark = statement.words.size() > 1 ? statement.words[1].mark : statement.mark;
    std::string_view raw = statement.raw.substr(statement.words[0].mark.length);
    const auto word = take_word(raw);
    auto argv = word ? split_arguments(*word) : std::unexpected{word.error()};
    if (!argv || argv->empty()) {
        // keepalived's -t passes over the empty command of a notification (2.2.7).
        const bool notifies = row.name.starts_with("notify") || row.name.starts_with("quorum");
        auto& d = reading.diag.add(
            argv && notifies ? Severity::Warning : Severity::Error, argv && notifies ? Rank::None : Rank::Config,
            Code::BadCommand, mark,
            argv ? fmt::format("{} has an empty command", row.name) : fmt::format("{}: {}", row.name, argv.error()));
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
