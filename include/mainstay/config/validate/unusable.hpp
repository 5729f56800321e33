// Marks an alpha MISC_CHECK whose script cannot be run: it stays in the model, so that its server stays down, and is
// never run. Without alpha such a check is left out.
#pragma once

#include "mainstay/config/keywords.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::config {

inline void mark_unusable(Checker& checker) {
    set_value(checker.more.edit().values, keyword::misc_path_unusable, true);
}

[[nodiscard]] inline bool is_unusable(const Checker& checker) {
    return checker.type == Checker::Type::Misc && checker.alpha &&
           flag(checker.more->values, keyword::misc_path_unusable);
}

}  // namespace mainstay::config
