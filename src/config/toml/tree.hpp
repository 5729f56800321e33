// The statements of a snapshot as a tree, for the TOML writer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "mainstay/config/toml/toml.hpp"

namespace mainstay::config {

struct TomlEntry {  // of a list
    std::vector<std::string> words;
    std::vector<std::string> before;
    std::string behind;
};

// Comments are without their # or !. The depth of the tree is that of the schema's blocks.
struct TomlItem {
    const KeywordSpec* row = nullptr;
    Mark mark;
    std::vector<std::string> words;  // behind the keyword
    std::optional<Command> command;
    bool accepted = true;             // its value is one that the row takes
    std::vector<TomlEntry> entries;   // of a list
    std::vector<TomlItem> children;   // of a block
    std::vector<std::string> before;  // comments
    std::string behind;
    std::vector<std::string> at_end;  // of the block
};

struct TomlTree {
    std::vector<TomlItem> items;
    std::vector<std::string> at_end;
};

// `lost` gets what no row knows and what cannot be read.
// The snapshot's lines must be indexed.
[[nodiscard]] TomlTree read_tree(const Snapshot& snapshot, std::vector<Converted::Lost>& lost);

}  // namespace mainstay::config
