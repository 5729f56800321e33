// A default is written once, as text in the row; if it contains a value, that is parsed like a value of the keyword.
#include "defaults.hpp"

#include <algorithm>

#include "mainstay/config/language/lexer.hpp"
#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/load.hpp"
#include "value_store.hpp"

namespace mainstay::config {
namespace {

class FirstStatement final : Lexer::Listener {
public:
    explicit FirstStatement(std::string_view text) {
        Lexer lexer{text, *this};
        lexer.next(statement);
    }
    Statement statement;

private:
    bool wants_argument(std::span<const Token>) override { return false; }
    void found(const LexFinding&) override {}
};

// "0 (off); 99 without value": the value ends where an explanation begins.
std::string_view value_part(std::string_view text) {
    const std::size_t end = std::min(text.find(" ("), text.find(';'));
    return text.substr(0, end);
}

}  // namespace

std::optional<KeywordData> default_value(const KeywordSpec& row) {
    const std::string_view text = value_part(row.default_text);
    const Takes takes = row.args.takes;
    const bool switched = takes == Takes::Flag || takes == Takes::Bool;
    if (switched && (text == "off" || text == "on")) return KeywordData{text == "on"};
    if (text.empty() || takes == Takes::Flag || is_block(takes) || takes == Takes::Line || takes == Takes::Entry)
        return std::nullopt;
    // A word says nothing of whether it is meant as it stands.
    if (takes == Takes::Word || takes == Takes::Command) return std::nullopt;
    const std::string line = "default " + std::string{text};
    const FirstStatement written{line};
    const Environment environment;
    const Snapshot snapshot;
    ParseContext quiet{environment, snapshot};
    KeywordSpec wide = row;
    wide.args.low = std::min<std::int64_t>(row.args.low, 0);  // 0 may stand for none where it cannot be written
    Value value{.row = wide, .statement = written.statement};
    const bool read = read_value(quiet, value) && quiet.diag.entries().empty();
    if (!read || value.stop != written.statement.words.size()) return std::nullopt;
    return data_of(value);
}

}  // namespace mainstay::config
