// Checks of a whole bfd_instance, beyond those of its lines.
#pragma once

#include "config/parse/parse_context.hpp"

namespace mainstay::config {

// `opened` is its keyword, `values` what it says; its own section is the last of its keyword in `reading.more`, if it
// says anything at all.
void check_bfd(ParseContext& reading, std::string_view name, Mark opened, const KeywordValues& values);

}  // namespace mainstay::config
