// The typed words of one configuration line of a route or rule.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mainstay/config/keywords.hpp"

namespace mainstay::vrrp {

class Words {
public:
    Words(const config::KeywordValues& values, const std::vector<config::Section>& sections)
        : values_{values}, sections_{sections} {}
    explicit Words(const config::Section& line) : Words{line.values, line.sections} {}

    [[nodiscard]] bool has(const config::KeywordName& word) const {
        return config::find_value(values_, word) != nullptr;
    }
    // The word before or behind the value of this one.
    [[nodiscard]] bool has(const config::KeywordName& word, std::string_view beside) const {
        return config::has_word(values_, word, beside);
    }
    template <class T>
    [[nodiscard]] std::optional<T> get(const config::Keyword<T>& word) const {
        return config::value_of(values_, word);
    }
    template <class T>
    [[nodiscard]] std::optional<T> get(const config::KeywordName& word) const {
        return config::value_of<T>(values_, word);
    }
    // The value of the first of these names that is present.
    template <class T>
    [[nodiscard]] std::optional<T> any(std::initializer_list<config::KeywordName> names) const {
        for (const config::KeywordName& name : names)
            if (auto value = get<T>(name)) return value;
        return std::nullopt;
    }
    template <class U>
    [[nodiscard]] std::optional<U> number(std::initializer_list<config::KeywordName> names) const {
        const auto value = any<std::int64_t>(names);
        return value ? std::optional{static_cast<U>(*value)} : std::nullopt;
    }
    [[nodiscard]] std::string text(std::initializer_list<config::KeywordName> names) const {
        const auto words = any<config::WordList>(names);
        return words && !words->empty() ? words->front() : std::string{};
    }
    template <class U>
    [[nodiscard]] std::optional<std::pair<U, U>> range(const config::Keyword<config::IntegerList>& word) const {
        const auto ends = get(word);
        if (!ends || ends->size() != 2) return std::nullopt;
        return std::pair{static_cast<U>((*ends)[0]), static_cast<U>((*ends)[1])};
    }
    // "3/4" and "4": from and to, as the kernel packs them.
    [[nodiscard]] std::optional<std::uint32_t> realms() const {
        const auto ends = get(config::keyword::realms);
        if (!ends || ends->empty()) return std::nullopt;
        const auto to = static_cast<std::uint32_t>(ends->back());
        return ends->size() == 1 ? to : static_cast<std::uint32_t>(ends->front()) << 16U | to;
    }
    [[nodiscard]] const std::vector<config::Section>& sections() const { return sections_; }

private:
    const config::KeywordValues& values_;
    const std::vector<config::Section>& sections_;
};

}  // namespace mainstay::vrrp
