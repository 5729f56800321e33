#pragma once

#include "config/schema/value_store.hpp"

namespace mainstay::config {

// Reads the words from `first` on by the rows of `words` that are `in_line`, and keeps them in `out`. What is wrong is
// reported in the name of `owner`, the keyword or the block, and left out. False when the line is not to be used: a
// word without a name is wrong or missing, or any word of a strict line.
[[nodiscard]] bool read_line(ParseContext& reading, const KeywordSpec& owner, const Statement& statement,
                             std::size_t first, Block words, Section& out);

}  // namespace mainstay::config
