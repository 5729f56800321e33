#include "words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "config/language/expand.hpp"
#include "mainstay/base/text.hpp"

namespace mainstay::config {
namespace {

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           std::string_view{"_.:/%+,=@*^|()<>?;&-"}.find(c) != std::string_view::npos ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// A decimal number without a needless sign, zeros or a bare point; nothing when it is none.
std::optional<std::string> plain_decimal(std::string_view word, bool fraction_allowed) {
    const bool negative = word.starts_with('-');
    if (negative) word.remove_prefix(1);
    const std::size_t point = word.find('.');
    std::string_view whole = word.substr(0, point);
    std::string_view part = point == std::string_view::npos ? std::string_view{} : word.substr(point + 1);
    const auto digits = [](std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); };
    if (!digits(whole) || (point != std::string_view::npos && (!fraction_allowed || !digits(part)))) return {};
    while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
    while (!part.empty() && part.back() == '0') part.remove_suffix(1);
    constexpr std::size_t kMostDigits = 15;  // a double holds them, and an integer of TOML does
    if (whole.size() + part.size() > kMostDigits) return {};
    return fmt::format("{}{}{}{}", negative ? "-" : "", whole, part.empty() ? "" : ".", part);
}

// Where the row takes words, a lone number reads better without quotes; but a name or a password stays a string.
bool number_may_be_bare(const KeywordSpec& row) { return row.args.takes != Takes::Word || row.args.words_max != 1; }

bool is_plain_number(std::string_view word) {
    const auto number = plain_decimal(word, false);
    return number && *number == word;
}

std::optional<std::string> words_value(const KeywordSpec& row, const std::vector<std::string>& words) {
    if (words.empty()) return "true";
    if (words.size() == 1 && number_may_be_bare(row) && is_plain_number(words[0])) return words[0];
    if (words.size() > 1 && row.args.takes == Takes::NumberList && std::ranges::all_of(words, is_plain_number))
        return fmt::format("[{}]", fmt::join(words, ", "));
    return most_words(row) == 1 ? toml_string(words[0]) : toml_entry(words);
}

// The row of a keyword, whichever block knows it.
const KeywordSpec* row_anywhere(std::string_view name) {
    for (std::size_t b = static_cast<std::size_t>(Block::Root); b < static_cast<std::size_t>(Block::kCount); ++b)
        if (const KeywordSpec* row = find_row(static_cast<Block>(b), name); row != nullptr) return row;
    return nullptr;
}

std::string statement_in_toml(std::string_view statement) {
    const auto cut = cut_line(statement);
    const KeywordSpec* row = cut.size() > 1 ? row_anywhere(cut[0]) : nullptr;
    if (row == nullptr) return std::string{statement};
    const std::vector<std::string> words{cut.begin() + 1, cut.end()};
    if (toml_shape(*row) == TomlShape::Tables)
        return fmt::format("{} = {}", kTomlWordsKey, toml_entry(words).value_or(""));
    if (toml_shape(*row) != TomlShape::Value || row->args.takes == Takes::Command) return std::string{statement};
    return fmt::format("{} = {}", toml_key(row->name), toml_value(*row, words).value_or(""));
}

std::optional<std::string> number_value(const KeywordSpec& row, std::string_view word, bool fraction_allowed) {
    const std::string_view digits = word.substr(word.starts_with('-') ? 1 : 0);
    const bool octal = row.args.any_base && digits.size() > 1 && digits.starts_with('0');
    if (auto number = plain_decimal(word, fraction_allowed); number && !octal) return number;
    return toml_string(word);  // read as it stands, and reported as it would be
}

std::optional<std::string> bool_value(std::string_view word) {
    if (word == "on" || word == "true" || word == "yes") return "true";
    if (word == "off" || word == "false" || word == "no") return "false";
    return toml_string(word);
}

}  // namespace

std::size_t most_words(const KeywordSpec& row) {
    return std::size_t{row.args.words_max} + (row.args.lead.empty() ? 0 : 1) + (row.args.tail.empty() ? 0 : 1);
}

// ---- to keepalived's language ------------------------------------------------------------------------------------

bool fits_word(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return c == '"' || c == '\n' || c == '\0'; });
}

std::string written_word(std::string_view word, bool first) {
    const bool plain = !word.empty() && std::ranges::all_of(word, is_plain) && !word.starts_with("//");
    const bool other = first && (word.starts_with('@') || word.starts_with("include"));
    return plain && !other ? std::string{word} : fmt::format("\"{}\"", word);
}

std::optional<std::string> written_mail_addresses(std::string_view text) {
    const MailAddresses read = mail_addresses(text);
    if (!read.problems.empty()) return std::nullopt;
    std::string out;
    for (const MailAddress& one : read.addresses) {
        const bool plain = std::ranges::all_of(one.address, is_plain);
        if (!plain || one.name.find_first_of("\"\\") != std::string::npos) return std::nullopt;
        out += fmt::format("{}{}", out.empty() ? "" : ", ",
                           one.name.empty() ? one.address : fmt::format("\"{}\" <{}>", one.name, one.address));
    }
    return out;
}

std::vector<std::string_view> cut_line(std::string_view line) {
    std::vector<std::string_view> words;
    std::size_t at = 0;
    while (at < line.size()) {
        while (at < line.size() && is_blank(line[at])) ++at;
        const std::size_t from = at;
        while (at < line.size() && !is_blank(line[at])) ++at;
        if (at > from) words.push_back(line.substr(from, at - from));
    }
    return words;
}

std::string written_command(const std::vector<std::string>& argv) {
    std::string text;
    for (const std::string& argument : argv) {
        if (!text.empty()) text += ' ';
        const bool bare = !argument.empty() && std::ranges::all_of(argument, [](char c) {
            return is_plain(c) || c == '#' || c == '!' || c == '{' || c == '}' || c == '~';
        });
        const bool quotable = std::ranges::none_of(
            argument, [](char c) { return is_control(c) || c == '"' || c == '\'' || c == '\\' || c == '$'; });
        if (bare) {
            text += argument;
        } else if (quotable) {
            text += fmt::format("'{}'", argument);
        } else {
            for (const char c : argument) {
                if (is_plain(c))
                    text += c;
                else  // a word and then its arguments are cut out of it, each with its escapes
                    text += fmt::format("\\\\{:03o}", static_cast<unsigned char>(c));
            }
        }
    }
    return fmt::format("\"{}\"", text);
}

// ---- to TOML -----------------------------------------------------------------------------------------------------

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string toml_key(std::string_view name) {
    const bool bare = !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-';
    });
    return bare ? std::string{name} : toml_string(name).value_or("\"\"");
}

std::optional<std::string> toml_string(std::string_view text) {
    if (!is_utf8(text)) return std::nullopt;
    const bool control = std::ranges::any_of(text, is_control);
    const bool escapes = text.find_first_of("\"\\") != std::string_view::npos;
    if (escapes && !control && text.find('\'') == std::string_view::npos) return fmt::format("'{}'", text);
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += fmt::format("\\{}", c);
        else if (c == '\t')
            out += "\\t";
        else if (is_control(c))
            out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        else
            out += c;
    }
    return out + "\"";
}

std::string command_line(const std::vector<std::string>& argv) {
    std::string line;
    for (const std::string& argument : argv) {
        if (!line.empty()) line += ' ';
        const bool bare = !argument.empty() && argument.find_first_of(" \t\r\"'\\") == std::string::npos;
        if (bare) {
            line += argument;
        } else if (argument.find_first_of("'\\") == std::string::npos) {
            line += fmt::format("'{}'", argument);
        } else {
            line += '"';
            for (const char c : argument) {
                if (c == '"' || c == '\\') line += '\\';
                line += c;
            }
            line += '"';
        }
    }
    return line;
}

std::optional<std::string> toml_entry(const std::vector<std::string>& words) {
    const bool line = !words.empty() && std::ranges::all_of(words, [](const std::string& word) {
        return !word.empty() && std::ranges::none_of(word, is_blank);
    });
    std::string out;
    for (const std::string& word : words) {
        if (line) {
            out += (out.empty() ? "" : " ") + word;
            continue;
        }
        const auto quoted = toml_string(word);
        if (!quoted) return std::nullopt;
        out += (out.empty() ? "[" : ", ") + *quoted;
    }
    if (line) return toml_string(out);
    return (out.empty() ? "[" : out) + "]";
}

std::optional<std::string> toml_value(const KeywordSpec& row, const std::vector<std::string>& words) {
    switch (row.args.takes) {
        case Takes::Flag:
            return "true";
        case Takes::Bool:
            return words.empty() ? "true" : bool_value(words[0]);
        case Takes::Integer:
        case Takes::WholeSeconds:
            if (words.size() > 1) return words_value(row, words);
            return words.empty() ? "true" : number_value(row, words[0], false);
        case Takes::Seconds:
        case Takes::Millis:
            if (words.size() > 1) return words_value(row, words);
            return words.empty() ? "true" : number_value(row, words[0], true);
        default:
            return words_value(row, words);
    }
}

std::string toml_comment(std::string_view text) {
    std::string out = "#";
    const bool utf8 = is_utf8(text);
    for (const char c : text) {
        const bool refused = (is_control(c) && c != '\t') || (!utf8 && static_cast<unsigned char>(c) >= 0x80);
        out += refused ? '?' : c;
    }
    return out;
}

std::string fix_in_toml(std::string_view fix) {
    std::string out;
    bool statement = false;
    while (true) {
        const std::size_t tick = fix.find('`');
        const std::string_view part = fix.substr(0, tick);
        out += statement && tick != std::string_view::npos ? statement_in_toml(part) : std::string{part};
        if (tick == std::string_view::npos) return out;
        out += '`';
        statement = !statement;
        fix.remove_prefix(tick + 1);
    }
}

}  // namespace mainstay::config
