#pragma once

#include "config/schema/value_store.hpp"

namespace mainstay::config {

// Parses the words from `first` on by the `in_line` rows of `words`, and stores them in `out`. Invalid words are
// reported for `owner`, the keyword or the block, and left out. False if the line cannot be used: a position is invalid
// or missing, or any word of a strict line is invalid.
[[nodiscard]] bool read_line(ParseContext& reading, const KeywordSpec& owner, const Statement& statement,
                             std::size_t first, Block words, Section& out);

}  // namespace mainstay::config
