// Compares checks: whether they send the same request, and whether one probe can serve both.
#pragma once

#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

// Both send the same request to the same target: a verdict stays valid even if the timing changed.
[[nodiscard]] bool same_question(const config::Checker& left, const config::Checker& right);
// One probe can serve both: the same request with the same interval and timeout.
[[nodiscard]] bool same_probe(const config::Checker& left, const config::Checker& right);

}  // namespace mainstay::lvs
