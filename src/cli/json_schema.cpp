#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "mainstay/config/settings.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "reference.hpp"
#include "toml_reference.hpp"

namespace mainstay::cli {
namespace {

using config::Block;
using config::KeywordSpec;
using config::Takes;
using config::TomlShape;
using Json = nlohmann::ordered_json;

constexpr double kSecondInMicros = 1e6, kMilliInMicros = 1e3;
constexpr const char* kAnyName = R"(^[^"\n]*$)";  // what a word of the language can hold

// ---- one value ---------------------------------------------------------------------------------------------------

std::vector<std::string> split(std::string_view choices) {
    std::vector<std::string> words;
    while (!choices.empty()) {
        const std::size_t bar = std::min(choices.find('|'), choices.size());
        words.emplace_back(choices.substr(0, bar));
        choices.remove_prefix(std::min(bar + 1, choices.size()));
    }
    return words;
}

std::optional<double> shown_number(std::string_view text) {
    double number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
    return number;
}

bool is_whole(std::string_view text) {
    return shown_number(text).has_value() && text.find_first_not_of("-0123456789") == std::string_view::npos;
}

Json word() { return {{"type", {"string", "integer"}}}; }
Json words() { return {{"type", {"string", "integer", "array"}}, {"items", word()}}; }

Json one_of(const KeywordSpec& row) {
    auto values = Json::array();
    for (const std::string& choice : split(row.args.choices)) {
        if (is_whole(choice)) values.push_back(static_cast<std::int64_t>(*shown_number(choice)));
        values.push_back(choice);
        std::string lower = choice;
        std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
        if (row.args.any_case && lower != choice) values.push_back(lower);
    }
    return {{"enum", std::move(values)}};
}

Json bounded_number(const char* type, const KeywordSpec& row, double unit) {
    const auto in_unit = [&](std::int64_t value) -> Json {
        const auto scaled = static_cast<double>(value) / unit;
        if (unit == 1 || scaled == static_cast<double>(static_cast<std::int64_t>(scaled)))
            return unit == 1 ? value : static_cast<std::int64_t>(scaled);
        return scaled;
    };
    Json schema{{"type", type}, {"minimum", in_unit(row.args.low)}};
    if (row.args.high != config::kUnlimited) schema["maximum"] = in_unit(row.args.high);
    return schema;
}

Json command() {
    const Json text{{"type", "string"}};
    return {{"anyOf",
             {text,
              {{"type", "object"},
               {"properties", {{"command", text}, {"user", text}, {"group", text}}},
               {"required", {"command"}},
               {"additionalProperties", false}}}}};
}

// The argument, without what may stand instead of it.
Json plain_value(const KeywordSpec& row) {
    switch (row.args.takes) {
        case Takes::Flag:
        case Takes::Bool:
            return {{"type", "boolean"}};
        case Takes::Integer:
        case Takes::WholeSeconds:
            return bounded_number("integer", row, 1);
        case Takes::Seconds:
            return bounded_number("number", row, kSecondInMicros);
        case Takes::Millis:
            return bounded_number("number", row, kMilliInMicros);
        case Takes::Duration:
            return word();
        case Takes::OneOf:
            return row.args.words_max == 1 ? one_of(row) : Json{{"anyOf", {one_of(row), words()}}};
        case Takes::Address:
            return {{"type", "string"}, {"pattern", "^[0-9A-Fa-f:.]+$"}};
        case Takes::NumberList: {
            Json list{{"type", {"string", "integer", "array"}}, {"items", word()}};
            list["minimum"] = row.args.low;
            if (row.args.high != config::kUnlimited) list["maximum"] = row.args.high;
            return list;
        }
        case Takes::Command:
            return command();
        default:
            break;
    }
    if (config::most_words(row) != 1) return words();
    Json schema = word();
    if (row.args.takes == Takes::Word && row.args.high > 0) schema["maxLength"] = row.args.high;
    return schema;
}

Json value(const KeywordSpec& row) {
    auto any = Json::array({plain_value(row)});
    const bool is_number = row.args.takes == Takes::Integer || row.args.takes == Takes::WholeSeconds;
    if (is_number && !row.args.choices.empty()) any.push_back(one_of(row));
    const bool more = !row.args.lead.empty() || !row.args.tail.empty() || row.args.any_name || row.args.any_base;
    if (is_number && more) any.push_back(words());
    const bool flag = row.args.takes == Takes::Flag || row.args.takes == Takes::Bool;
    if (!flag && row.args.words_min == 0) any.push_back({{"type", "boolean"}});
    if (!flag) {  // given several times
        Json each = any.size() == 1 ? any[0] : Json{{"anyOf", any}};
        any.push_back({{"type", "array"}, {"items", std::move(each)}});
    }
    return any.size() == 1 ? any[0] : Json{{"anyOf", std::move(any)}};
}

// ---- what is said about it ---------------------------------------------------------------------------------------

void describe(const KeywordSpec& row, Block block, Json& schema) {
    std::string text{row.help};
    if (!row.deprecated.empty()) text += fmt::format(" Deprecated: write {}.", row.deprecated);
    if (!acts_in({&row, block})) text += " Does not act yet.";
    if (!text.empty()) schema["description"] = text;
    const std::string_view by_default = row.default_text;
    const auto number = shown_number(by_default);
    if (row.args.takes == Takes::Flag || row.args.takes == Takes::Bool) {
        if (by_default == "on" || by_default == "off") schema["default"] = by_default == "on";
    } else if (number && is_whole(by_default)) {
        schema["default"] = static_cast<std::int64_t>(*number);
    } else if (number && (row.args.takes == Takes::Seconds || row.args.takes == Takes::Millis)) {
        schema["default"] = *number;
    } else if (row.args.takes == Takes::OneOf) {
        const auto choices = split(row.args.choices);
        if (std::ranges::find(choices, by_default) != choices.end()) schema["default"] = by_default;
    }
    if (!row.deprecated.empty()) schema["deprecated"] = true;
}

// ---- blocks ------------------------------------------------------------------------------------------------------

std::string name_of(Block block) {
    std::string name{config::path_of(block)};
    std::ranges::replace(name, '/', '.');
    return name;
}

Json reference_to(Block block) { return {{"$ref", fmt::format("#/$defs/{}", name_of(block))}}; }

Json or_array_of(const Json& one) { return {{"anyOf", {one, {{"type", "array"}, {"items", one}}}}}; }

Json named(Json one) {
    return {{"type", "object"}, {"patternProperties", {{kAnyName, std::move(one)}}}, {"additionalProperties", false}};
}

// An entry is a line of words, or an array of the words.
Json word_list() {
    const Json entry{{"type", {"string", "integer", "array"}}, {"items", word()}};
    return {{"type", {"string", "array"}}, {"items", entry}};
}

Json shape(const KeywordSpec& row) {
    switch (config::toml_shape(row)) {
        case TomlShape::List:
            return word_list();
        case TomlShape::NamedList:
            return named(word_list());
        case TomlShape::Table:
        case TomlShape::Tables:
            return or_array_of(reference_to(row.args.opens));
        case TomlShape::NamedTable:
            return named(or_array_of(reference_to(row.args.opens)));
        default:
            return value(row);
    }
}

Json properties(Block block) {
    auto schema = Json::object();
    for (const KeywordSpec* row : config::rows_of(block)) {
        Json one = shape(*row);
        describe(*row, block, one);
        schema[std::string{row->name}] = std::move(one);
    }
    return schema;
}

Json table_of(Block block) {
    Json schema{{"type", "object"}, {"properties", properties(block)}};
    auto required = Json::array();
    if (const KeywordSpec* opener = opener_of(block);
        opener != nullptr && config::toml_shape(*opener) == TomlShape::Tables) {
        Json on = words();
        on["description"] = fmt::format("The words after {} in keepalived.conf: {}", opener->name, opener->form);
        schema["properties"][std::string{config::kTomlWordsKey}] = std::move(on);
        required.push_back(config::kTomlWordsKey);
    }
    for (const KeywordSpec* row : config::rows_of(block))
        if (row->required) required.push_back(row->name);
    if (!required.empty()) schema["required"] = std::move(required);
    schema["additionalProperties"] = false;
    return schema;
}

Json webhook_schema() {
    Json properties;
    for (const auto& row : config::webhook_keys()) {
        Json& property = properties[std::string{row.key}];
        Json text{{"type", "string"}};
        if (!row.words.empty()) text["enum"] = row.words;
        if (row.seconds != nullptr)
            property = {{"type", "integer"}, {"minimum", row.low}, {"maximum", row.high}};
        else
            property = row.list == nullptr ? text : Json{{"type", "array"}, {"items", text}, {"minItems", 1}};
        property["description"] = row.help;
    }
    return {{"type", "array"},
            {"maxItems", config::kWebhooksMax},
            {"items",
             {{"type", "object"},
              {"properties", std::move(properties)},
              {"required", {"url"}},
              {"additionalProperties", false}}}};
}

void add_settings(Json& properties) {
    const config::Settings defaults;
    for (const auto& setting : config::settings_rows()) {
        Json& table = properties[std::string{setting.table}];
        table["type"] = "object";
        table["additionalProperties"] = false;
        Json& property = table["properties"][std::string{setting.key}];
        if (setting.flag != nullptr)
            property = {{"type", "boolean"}, {"description", setting.help}, {"default", defaults.*setting.flag}};
        else if (setting.path != nullptr)
            property = {{"type", "string"}, {"pattern", "^/"}, {"description", setting.help}};
        else if (setting.url != nullptr)
            property = {{"type", "string"}, {"pattern", "^https?://"}, {"description", setting.help}};
        else if (setting.list != nullptr)
            property = {{"type", "array"},
                        {"items", {{"type", "string"}}},
                        {"maxItems", setting.texts_max},
                        {"description", setting.help}};
        else
            property = {{"type", "integer"},
                        {"minimum", setting.low},
                        {"maximum", setting.high},
                        {"description", setting.help},
                        {"default", defaults.*setting.member}};
    }
    properties["webhook"] = webhook_schema();
}

}  // namespace

std::string toml_json_schema() {
    Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                {"title", "mainstay.toml"},
                {"description", "A mainstay director and the settings of its daemon, in TOML"}};
    schema.update(table_of(Block::Root));
    add_settings(schema["properties"]);
    auto blocks = Json::object();
    for (std::size_t b = 0; b < static_cast<std::size_t>(Block::kCount); ++b) {
        const auto block = static_cast<Block>(b);
        const KeywordSpec* opener = opener_of(block);
        if (opener != nullptr && opener->args.takes == Takes::Opens) blocks[name_of(block)] = table_of(block);
    }
    schema["$defs"] = std::move(blocks);
    return schema.dump(2) + "\n";
}

}  // namespace mainstay::cli
