// The default values of keywords.
#pragma once

#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/schema/schema.hpp"

namespace mainstay::config {

// The row's default, typed as a value of the keyword is. None where the default is prose ("that of the service",
// "none").
[[nodiscard]] std::optional<KeywordData> default_value(const KeywordSpec& row);

// The value of this keyword of `block`, else its default; none if that is prose or of another type.
template <class T>
[[nodiscard]] std::optional<T> value_or_default(const KeywordValues& values, Block block, const Keyword<T>& keyword) {
    if (auto value = value_of(values, keyword)) return value;
    const KeywordSpec* row = find_row(block, keyword.text);
    const auto otherwise = row != nullptr ? default_value(*row) : std::nullopt;
    const T* typed = otherwise ? std::get_if<T>(&*otherwise) : nullptr;
    return typed != nullptr ? std::optional<T>{*typed} : std::nullopt;
}

}  // namespace mainstay::config
