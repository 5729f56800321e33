// The TOML form of a director's configuration, and the conversion between it and keepalived's language.
//
// Tables correspond to blocks and keys to keywords; the shape of a keyword follows from its schema row. The reader
// converts a document to the statements of a keepalived.conf, with a map back into the document, so that all later
// stages (values, checks, diagnostics) are the same for both languages. Text is literal: nothing in it is expanded.
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
// The key for a block's words if they are not a plain name: `on = "192.0.2.10 80"`. No keyword has this name.
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

// The value that the key takes, for people: "a whole number of seconds".
[[nodiscard]] std::string wanted_in_toml(const KeywordSpec& row);
// The maximum number of words of a keyword, including those before and after its argument ("all", "reverse").
[[nodiscard]] std::size_t most_words(const KeywordSpec& row);

// Whether a file of this name is read as TOML.
[[nodiscard]] bool is_toml_name(std::string_view path);
// Whether a table of this name holds the daemon's own settings (settings.hpp).
[[nodiscard]] bool is_settings_table(std::string_view name);
// Whether the document has any such table; false if it is not valid TOML.
[[nodiscard]] bool toml_has_settings(std::string_view text);

// The statements of a document. With `comments`, its comments are among them: for printing, not for loading.
[[nodiscard]] Snapshot read_toml(SourceFile file, bool comments = false);
// Whether the document has tables about the director, not only about the daemon. None if it is not valid TOML.
[[nodiscard]] std::optional<bool> toml_has_director(std::string_view text);

struct Converted {
    std::string text;
    struct Lost {
        Place place;  // in the snapshot's files
        std::string what;
    };
    std::vector<Lost> lost;  // what the other language cannot express
};
// In TOML a table's values come before its subtables, and all values of a key are in one place. Exact: a block that is
// followed by values becomes a value as well (an inline table), for the few files in which such an order matters.
// ExactFirst: a repeated keyword is placed at its first position, not its last. They are tried in this order until the
// model is the same.
enum class TomlOrder : std::uint8_t { Readable, Exact, ExactFirst };
inline constexpr TomlOrder kTomlOrders[]{TomlOrder::Readable, TomlOrder::Exact, TomlOrder::ExactFirst};
// `snapshot` is the result of resolve() or read_toml(). Comments stay with the statement that they precede or follow.
[[nodiscard]] Converted to_toml(Snapshot& snapshot, TomlOrder order = TomlOrder::Readable);
// The canonical keepalived.conf of a TOML document.
[[nodiscard]] Converted to_conf(SourceFile toml);
// The canonical form of a TOML document.
[[nodiscard]] Converted print_toml(SourceFile toml);

}  // namespace mainstay::config
