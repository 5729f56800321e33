// When two checks are the same question.
#pragma once

#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

// They ask the same of the same place: a verdict stays valid though the timing changed.
[[nodiscard]] bool same_question(const config::Checker& left, const config::Checker& right);
// One probe can answer for both: the same question, at the same times, with the same patience.
[[nodiscard]] bool same_probe(const config::Checker& left, const config::Checker& right);

}  // namespace mainstay::lvs
