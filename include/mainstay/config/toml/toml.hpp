// The TOML form of a director's configuration, and the way between it and keepalived's language.
//
// Tables mirror the blocks and keys the keywords; which shape a keyword has follows from its row alone. The reader
// turns a document into the statements that keepalived.conf would hold, with a map back into the document, so that
// everything behind it (values, checks, diagnostics) is the same for both languages. Text is literal: nothing in it is
// expanded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/schema/schema.hpp"

namespace mainstay::config {

inline constexpr std::size_t kMaxTomlKeyParts = 16;       // of a dotted key; the deepest keyword has five
inline constexpr std::size_t kMaxTomlValues = 4'000'000;  // of one document
// The key that holds a block's words where they are no plain name: `on = "192.0.2.10 80"`. No keyword is called so.
inline constexpr std::string_view kTomlWordsKey = "on";

enum class TomlShape : std::uint8_t {
    Value,       // key = value
    List,        // key = ["entry", "entry"]
    NamedList,   // [key] name = ["entry", "entry"]
    Table,       // [key]
    NamedTable,  // [key.name]
    Tables,      // [[key]] on = "the words"
};
[[nodiscard]] TomlShape toml_shape(const KeywordSpec& row);

// What stands behind the key, for people: "a whole number of seconds".
[[nodiscard]] std::string wanted_in_toml(const KeywordSpec& row);
// Words of a keyword at most, those before and behind its argument ("all", "reverse") counted.
[[nodiscard]] std::size_t most_words(const KeywordSpec& row);

// Whether a file of this name is read as TOML.
[[nodiscard]] bool is_toml_name(std::string_view path);
// Whether a table of this name holds the daemon's own settings (settings.hpp).
[[nodiscard]] bool is_settings_table(std::string_view name);
// Whether the document has any such table; false for what is no TOML.
[[nodiscard]] bool toml_has_settings(std::string_view text);

// The statements of a document. With `comments`, its comments are among them: for printing, not for loading.
[[nodiscard]] Snapshot read_toml(SourceFile file, bool comments = false);
// Whether the document says something about the director, not only about the daemon. Nothing for what is no TOML.
[[nodiscard]] std::optional<bool> toml_has_director(std::string_view text);

struct Converted {
    std::string text;
    struct Lost {
        Place place;  // in the snapshot's files
        std::string what;
    };
    std::vector<Lost> lost;  // what the other language's form does not hold
};
// In TOML a table's values come before the tables in it, and all values of one key stand in one place. Exact: a block
// that has values behind it becomes a value, too (an inline table); for the few files in which such an order counts.
// ExactFirst: with a repeated keyword where it stood first, not last. Tried in this order until the model is the same.
enum class TomlOrder : std::uint8_t { Readable, Exact, ExactFirst };
inline constexpr TomlOrder kTomlOrders[]{TomlOrder::Readable, TomlOrder::Exact, TomlOrder::ExactFirst};
// `snapshot` is what resolve() or read_toml() gave. Comments stay with the statement they precede or follow.
[[nodiscard]] Converted to_toml(Snapshot& snapshot, TomlOrder order = TomlOrder::Readable);
// The canonical keepalived.conf of a TOML document.
[[nodiscard]] Converted to_conf(SourceFile toml);
// The canonical form of a TOML document.
[[nodiscard]] Converted print_toml(SourceFile toml);

}  // namespace mainstay::config
