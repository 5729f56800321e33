// active_active: what it makes of a virtual server, and what does not work with it.
#pragma once

#include "config/parse/parse_context.hpp"

namespace mainstay::config {

// Once servers, persistence and sorry server of the draft are settled. Where active_active cannot work it is taken
// back.
void settle_active_active(Diagnoser& diag, ServiceDraft& draft);
// What only the whole file shows.
void check_active_active(ParseContext& r, const Config& config);

}  // namespace mainstay::config
