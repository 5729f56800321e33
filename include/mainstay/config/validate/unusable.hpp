// Marks an alpha MISC_CHECK whose script cannot be run: it stays in the model, so that its server stays down, and is
// never run. Without alpha such a check is left out.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "mainstay/config/model.hpp"

namespace mainstay::config {

inline constexpr std::string_view kUnusable = "misc_path unusable";  // among the checker's values

inline void mark_unusable(Checker& checker) {
    auto& values = checker.more.edit().values;
    const auto place = std::ranges::lower_bound(values, kUnusable, {}, &KeywordValue::keyword);
    values.insert(place, {std::string{kUnusable}, true});
}

[[nodiscard]] inline bool is_unusable(const Checker& checker) {
    return checker.type == Checker::Type::Misc && checker.alpha &&
           value_of<bool>(checker.more->values, kUnusable).value_or(false);
}

}  // namespace mainstay::config
