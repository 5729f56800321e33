// check_data_path: which servers of a virtual server cannot be checked along the data path, and why.
#pragma once

#include "config/parse/parse_context.hpp"

namespace mainstay::config {

// Once servers and group of the draft are settled.
void check_data_path(ParseContext& r, const ServiceDraft& draft);

}  // namespace mainstay::config
