// The values of keywords that have no member in the model: typed values under their names.
//
// A keyword is one row of the schema. Without a setter its value is parsed as the row says and stored here, so a new
// keyword takes only a row; members of the model are for values that code uses often. Ranges have been checked, and
// times are Micros. Values and sections are sorted by keyword, so that the order of different lines does not matter;
// a keyword given twice is stored once unless its row says that it accumulates.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::config {

// A command as configured. `argv` is split and unescaped; argv[0] is the path as written (the reader searches relative
// names in PATH). An empty user means the default account (script_user).
struct Command {
    std::vector<std::string> argv;
    std::string user;
    std::string group;
    [[nodiscard]] bool empty() const { return argv.empty(); }
    bool operator==(const Command&) const = default;
};

using WordList = std::vector<std::string>;
using IntegerList = std::vector<std::int64_t>;

// Encoded by the index of the alternative: add new ones at the end.
using KeywordData = std::variant<bool, std::int64_t, Micros, IpAddress, Prefix, Command, WordList, IntegerList>;

struct KeywordValue {
    std::string keyword;
    KeywordData data;
    bool operator==(const KeywordValue&) const = default;
};
using KeywordValues = std::vector<KeywordValue>;

// A block without a struct in the model, or one line of a block of lines (which has no keyword).
// Nested at most as deep as the schema's blocks.
struct Section {
    std::string keyword;
    WordList names;  // the words between the keyword and the {
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

// The name of a keyword or of a word of a line: a keyword of keywords.hpp, or, in this module only, any row's.
struct KeywordName {
    std::string_view text;
    constexpr explicit KeywordName(std::string_view name) : text{name} {}
    friend constexpr bool operator==(const KeywordName& name, std::string_view other) { return name.text == other; }
};

// A keyword whose value is stored as T, one of the alternatives of KeywordData, or Section.
template <class T>
struct Keyword : KeywordName {
    using KeywordName::KeywordName;
};

// The same with the value where it is not given, in whatever block; of words the first one. The compiler compares it
// with the default that the row has for people.
template <class T>
struct DefaultedKeyword : Keyword<T> {
    using Default = std::conditional_t<std::is_same_v<T, WordList>, std::string_view, T>;
    Default otherwise;
    constexpr DefaultedKeyword(std::string_view name, Default value) : Keyword<T>{name}, otherwise{value} {}
};

// The value of this keyword; null if it is not given.
[[nodiscard]] inline const KeywordData* find_value(const KeywordValues& values, const KeywordName& keyword) {
    for (const KeywordValue& value : values)
        if (value.keyword == keyword) return &value.data;
    return nullptr;
}

[[nodiscard]] inline bool is_given(const KeywordValues& values, const KeywordName& keyword) {
    return find_value(values, keyword) != nullptr;
}

// value_of(instance.more->values, keyword::unicast_ttl): none if it is not given. A keyword whose value may be of
// several types is asked for each: value_of<WordList>(values, keyword::umask).
template <class T>
[[nodiscard]] std::optional<T> value_of(const KeywordValues& values, const KeywordName& keyword) {
    const KeywordData* data = find_value(values, keyword);
    const T* value = data != nullptr ? std::get_if<T>(data) : nullptr;
    return value != nullptr ? std::optional<T>{*value} : std::nullopt;
}
template <class T>
[[nodiscard]] std::optional<T> value_of(const KeywordValues& values, const Keyword<T>& keyword) {
    return value_of<T>(values, static_cast<const KeywordName&>(keyword));
}

// Whether that word stands before or behind the keyword's value: "weight 10 reverse" is stored as "weight" and
// "weight reverse".
[[nodiscard]] inline bool has_word(const KeywordValues& values, const KeywordName& keyword, std::string_view word) {
    return std::ranges::any_of(values, [&](const KeywordValue& value) {
        const std::string_view name = value.keyword;
        return name.size() == keyword.text.size() + 1 + word.size() && name.starts_with(keyword.text) &&
               name[keyword.text.size()] == ' ' && name.ends_with(word);
    });
}

// Whether it is given and true.
[[nodiscard]] inline bool flag(const KeywordValues& values, const Keyword<bool>& keyword) {
    return value_of(values, keyword).value_or(false);
}

[[nodiscard]] inline WordList words_of(const KeywordValues& values, const Keyword<WordList>& keyword) {
    return value_of(values, keyword).value_or(WordList{});
}

// The first word of its value; null if there is none.
[[nodiscard]] inline const std::string* find_word(const KeywordValues& values, const KeywordName& keyword) {
    const KeywordData* data = find_value(values, keyword);
    const auto* words = data != nullptr ? std::get_if<WordList>(data) : nullptr;
    return words != nullptr && !words->empty() ? &words->front() : nullptr;
}

// The same; empty if there is none.
[[nodiscard]] inline std::string first_word(const KeywordValues& values, const KeywordName& keyword) {
    const std::string* word = find_word(values, keyword);
    return word != nullptr ? *word : std::string{};
}

template <class T>
[[nodiscard]] T value_or_default(const KeywordValues& values, const DefaultedKeyword<T>& keyword) {
    return value_of(values, keyword).value_or(keyword.otherwise);
}
[[nodiscard]] inline std::string first_word_or_default(const KeywordValues& values,
                                                       const DefaultedKeyword<WordList>& keyword) {
    const std::string* word = find_word(values, keyword);
    return word != nullptr ? *word : std::string{keyword.otherwise};
}

// The first section of this keyword; null if there is none.
[[nodiscard]] inline const Section* find_section(const std::vector<Section>& sections, const KeywordName& keyword) {
    for (const Section& section : sections)
        if (section.keyword == keyword) return &section;
    return nullptr;
}

// The section of this keyword and name; null if there is none.
[[nodiscard]] inline const Section* find_section(const std::vector<Section>& sections, const KeywordName& keyword,
                                                 std::string_view name) {
    for (const Section& section : sections)
        if (section.keyword == keyword && !section.names.empty() && section.names.front() == name) return &section;
    return nullptr;
}

// Stores the value at its place, instead of the one that is there.
inline void set_value(KeywordValues& values, const KeywordName& keyword, KeywordData data) {
    const auto at = std::ranges::lower_bound(values, keyword.text, {}, &KeywordValue::keyword);
    if (at != values.end() && at->keyword == keyword)
        at->data = std::move(data);
    else
        values.insert(at, {std::string{keyword.text}, std::move(data)});
}

inline void drop_value(KeywordValues& values, const KeywordName& keyword) {
    std::erase_if(values, [&](const KeywordValue& value) { return value.keyword == keyword; });
}

// The keywords whose values or blocks differ, sorted.
[[nodiscard]] WordList changed_keywords(const ExtraSettings& before, const ExtraSettings& after);

}  // namespace mainstay::config
