#pragma once

#include "reading.hpp"

namespace mainstay::config {

// A statement whose first word no row of its block knows: true when it is a slip that we can name, and did.
[[nodiscard]] bool report_slip(Diagnoser& diag, Block block, const Statement& statement);
void report_finding(Diagnoser& diag, const LexFinding& finding);

}  // namespace mainstay::config
