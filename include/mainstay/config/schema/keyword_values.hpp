// What a configuration says by keywords that no member of the model stands for: typed values under their names.
//
// A keyword is one row of the schema. Its value arrives here by itself, read as the row says, so a row is all that a
// new keyword takes; a member of the model is for what code uses often. Ranges were checked, and the unit is fixed:
// times are Micros. Values and sections are sorted by keyword, so that the order of different lines makes no other
// model; a keyword given twice stands once unless its row says that it accumulates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::config {

// A command as configured. `argv` is split and unescaped; argv[0] is the path as written (relative names are
// searched in PATH by the reader). Empty user means the default account (script_user).
struct Command {
    std::vector<std::string> argv;
    std::string user;
    std::string group;
    [[nodiscard]] bool empty() const { return argv.empty(); }
    bool operator==(const Command&) const = default;
};

using WordList = std::vector<std::string>;
using IntegerList = std::vector<std::int64_t>;

// Travels by the index of the alternative: new ones go to the end.
using KeywordData = std::variant<bool, std::int64_t, Micros, IpAddress, Prefix, Command, WordList, IntegerList>;

struct KeywordValue {
    std::string keyword;
    KeywordData data;
    bool operator==(const KeywordValue&) const = default;
};
using KeywordValues = std::vector<KeywordValue>;

// A block that no struct of the model stands for, or one line of a block of lines (which has no keyword).
// Nested as deep as the schema's blocks, never deeper.
struct Section {
    std::string keyword;
    WordList names;  // what stands between the keyword and the {
    KeywordValues values;
    std::vector<Section> sections;
    bool operator==(const Section&) const = default;
};

// The last member of the structs of the model.
struct ExtraSettings {
    KeywordValues values;
    std::vector<Section> sections;
    bool operator==(const ExtraSettings&) const = default;
};

// The value that stands under this keyword; null when there is none.
[[nodiscard]] inline const KeywordData* find_value(const KeywordValues& values, std::string_view keyword) {
    for (const KeywordValue& value : values)
        if (value.keyword == keyword) return &value.data;
    return nullptr;
}

// value_of<Micros>(instance.more->values, "imaginary_delay"): none when it is not given, or not of this type.
template <class T>
[[nodiscard]] std::optional<T> value_of(const KeywordValues& values, std::string_view keyword) {
    const KeywordData* data = find_value(values, keyword);
    const T* value = data != nullptr ? std::get_if<T>(data) : nullptr;
    return value != nullptr ? std::optional<T>{*value} : std::nullopt;
}

// The first section of this keyword; null when there is none.
[[nodiscard]] inline const Section* find_section(const std::vector<Section>& sections, std::string_view keyword) {
    for (const Section& section : sections)
        if (section.keyword == keyword) return &section;
    return nullptr;
}

// The keywords whose values or blocks are not the same in both, sorted.
[[nodiscard]] WordList changed_keywords(const ExtraSettings& before, const ExtraSettings& after);

}  // namespace mainstay::config
