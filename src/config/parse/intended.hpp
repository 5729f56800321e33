// What the author of a file with wrong braces most likely meant.
//
// keepalived's reading of such a file (block_walk.hpp) says what it does, and not what is wrong with it: one } that is
// missing makes keywords unknown, trackers undefined and addresses invalid, many lines below. Here the file is read as
// people read it, by its indentation and by where each keyword belongs. That gives the place of each mistake, and
// statements whose braces fit: a message that these do not bring comes of the mistake.
#pragma once

#include <string_view>
#include <vector>

#include "block_walk.hpp"

namespace mainstay::config {

struct Intended {
    WalkedFile file;                   // its `items` alone
    std::vector<BraceFault> mistakes;  // in the order of their places
    bool known = false;                // false: there are kMaxDiagnostics of them or more, and nothing is here
};

// `text` is that of a snapshot.
[[nodiscard]] Intended read_as_intended(std::string_view text);

}  // namespace mainstay::config
