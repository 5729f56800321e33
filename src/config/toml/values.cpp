#include "values.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "config/language/expand.hpp"
#include "config/schema/parse_context.hpp"
#include "words.hpp"

namespace mainstay::config {
namespace {

std::string_view type_name(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "an array";
        case toml::node_type::string:
            return "a string";
        case toml::node_type::integer:
            return "a whole number";
        case toml::node_type::floating_point:
            return std::isfinite(**node.as_floating_point()) ? "a number with decimals" : "a number without end";
        case toml::node_type::boolean:
            return "true or false";
        default:
            return "a date or a time";
    }
}

// The text that a scalar stands for; nothing for tables, arrays, dates and what is no number.
std::optional<std::string> scalar_text(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
    if (const auto* number = node.as_floating_point(); number != nullptr && std::isfinite(number->get())) {
        constexpr std::size_t kMostChars = 400;  // the greatest double has 309 digits
        char buffer[kMostChars];
        const auto end = std::to_chars(buffer, buffer + kMostChars, number->get(), std::chars_format::fixed).ptr;
        return std::string{buffer, end};
    }
    return std::nullopt;
}

// Where the words of a line stand in the document, if it is written as it is read.
TomlPlace place_in(const toml::node& node, std::string_view line, std::string_view word) {
    TomlPlace place = place_of(node.source());
    if (place.length != static_cast<std::uint32_t>(characters(line)) + 2) return place;
    const auto before = line.substr(0, static_cast<std::size_t>(word.data() - line.data()));
    place.column += 1 + static_cast<std::uint32_t>(characters(before));
    place.length = static_cast<std::uint32_t>(characters(word));
    return place;
}

}  // namespace

std::string wanted_in_toml(const KeywordSpec& row) {
    const std::string key{row.name};
    switch (toml_shape(row)) {
        case TomlShape::List:
            return fmt::format("an array of strings: {} = [\"...\"]", key);
        case TomlShape::NamedList:
            return fmt::format("a table of arrays: {}.NAME = [\"...\"]", key);
        case TomlShape::Table:
            return fmt::format("a table: [{}]", key);
        case TomlShape::NamedTable:
            return fmt::format("a table with a name: [{}.NAME]", key);
        case TomlShape::Tables:
            return fmt::format("an array of tables: [[{}]] with {} = \"...\"", key, kTomlWordsKey);
        default:
            break;
    }
    const std::string_view bare = row.args.words_min == 0 ? "true, false or " : "";
    switch (row.args.takes) {
        case Takes::Flag:
        case Takes::Bool:
            return "true or false";
        case Takes::Integer:
            return fmt::format("{}a whole number", bare);
        case Takes::WholeSeconds:
            return fmt::format("{}a whole number of seconds", bare);
        case Takes::Seconds:
            return fmt::format("{}a number of seconds", bare);
        case Takes::Millis:
            return fmt::format("{}a number of milliseconds", bare);
        case Takes::Command:
            return fmt::format("{}a string, or {{ command = \"...\", user = \"...\", group = \"...\" }}", bare);
        default:
            return fmt::format("{}a string", bare);
    }
}

void TomlValues::wrong_type(const KeywordSpec& row, const toml::node& node) {
    auto& d = out_.find(Severity::Error, Code::TomlType, place_of(node.source()),
                        fmt::format("{} cannot be {}", row.name, type_name(node)));
    d.expected = wanted_in_toml(row);
    d.effect = "it is ignored";
}

bool TomlValues::one_word(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words) {
    auto text = node.is_floating_point() ? std::nullopt : scalar_text(node);
    if (!text) {
        wrong_type(row, node);
        return false;
    }
    return add_word(row, *text, place_of(node.source()), words);
}

bool TomlValues::add_word(const KeywordSpec& row, std::string_view text, TomlPlace place,
                          std::vector<TomlWord>& words) {
    if (auto quoted = row.args.mail && !fits_word(text) ? written_mail_addresses(text) : std::nullopt) {
        words.push_back({std::move(*quoted), place});
        return true;
    }
    if (!fits_word(text)) {
        auto& d =
            out_.find(Severity::Error, Code::TomlValue, place,
                      fmt::format("a value of {} cannot contain a double quote, a line break or a NUL", row.name));
        d.effect = "it is ignored";
        return false;
    }
    words.push_back({written_word(text, words.empty() && in_list_), place});
    return true;
}

bool TomlValues::line_of_words(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words) {
    if (const auto* array = node.as_array()) {
        for (const auto& element : *array)
            if (!one_word(row, element, words)) return false;
        return true;
    }
    const auto* text = node.as_string();
    if (text == nullptr) return one_word(row, node, words);
    const std::string_view line = text->get();
    for (const std::string_view word : cut_line(line))
        if (!add_word(row, word, place_in(node, line, word), words)) return false;
    return true;
}

bool TomlValues::entry(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words) {
    in_list_ = true;
    const bool good = row.args.takes == Takes::Items ? one_word(row, node, words) : line_of_words(row, node, words);
    in_list_ = false;
    return good && !words.empty();
}

bool TomlValues::command(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words) {
    const toml::node* line = &node;
    const toml::node *user = nullptr, *group = nullptr;
    if (const auto* table = node.as_table()) {
        line = table->get("command");
        user = table->get("user");
        group = table->get("group");
        for (const auto& [key, value] : *table) {
            if (&value == line || &value == user || &value == group) continue;
            auto& d = out_.find(Severity::Error, Code::UnknownKeyword, place_of(key.source()),
                                fmt::format("a command has no key '{}'", key.str()));
            d.expected = "command, user and group";
            d.effect = "it is ignored";
        }
        if (line == nullptr || (group != nullptr && user == nullptr)) {
            auto& d = out_.find(Severity::Error, Code::TomlType, place_of(node.source()),
                                line == nullptr ? fmt::format("{} has no command", row.name)
                                                : fmt::format("{} has a group but no user", row.name));
            d.expected = wanted_in_toml(row);
            d.effect = "it is ignored";
            return false;
        }
    }
    const auto* text = line->as_string();
    if (text == nullptr) {
        wrong_type(row, *line);
        return false;
    }
    // What cannot be split is handed on as an open quote: the parser reports both in the same words.
    const auto argv = split_arguments(text->get());
    const TomlPlace place = place_of(line->source());
    words.push_back({argv ? written_command(*argv) : "\"'\"", place});
    if (user != nullptr && !one_word(row, *user, words)) return false;
    return group == nullptr || one_word(row, *group, words);
}

bool TomlValues::value(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words, bool& left_out) {
    if (const auto* flag = node.as_boolean()) {
        if (row.args.takes == Takes::Bool) {
            words.push_back({flag->get() ? "on" : "off", place_of(node.source())});
        } else if (row.args.takes == Takes::Flag || row.args.words_min == 0) {
            left_out = !flag->get();
        } else {
            wrong_type(row, node);
            return false;
        }
        return true;
    }
    switch (row.args.takes) {
        case Takes::Flag:
            wrong_type(row, node);
            return false;
        case Takes::Command:
            return command(row, node, words);
        case Takes::Integer:
        case Takes::WholeSeconds:
        case Takes::Seconds:
        case Takes::Millis:
            return number(row, node, words);
        default:
            return most_words(row) == 1 ? one_word(row, node, words) : line_of_words(row, node, words);
    }
}

bool TomlValues::number(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words) {
    const auto* decimals = node.as_floating_point();
    if (decimals == nullptr) return most_words(row) == 1 ? one_word(row, node, words) : line_of_words(row, node, words);
    auto text = scalar_text(node);
    if (!text) {
        wrong_type(row, node);
        return false;
    }
    const bool whole = row.args.takes == Takes::Integer || row.args.takes == Takes::WholeSeconds;
    if (whole && text->find('.') == std::string::npos) *text += ".0";  // 100.0 is not a whole number to TOML
    words.push_back({std::move(*text), place_of(node.source())});
    return true;
}

}  // namespace mainstay::config
