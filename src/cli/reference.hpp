// The keyword reference: `mainstayctl config explain`, the table in docs/compatibility.md and the keyword part of
// mainstay.conf(5). All of it is generated from the schema rows.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/schema/schema.hpp"

namespace mainstay::cli {

inline constexpr auto kBlocks = static_cast<std::size_t>(config::Block::kCount);

// One row in one of the blocks that know it.
struct KeywordPlace {
    const config::KeywordSpec* row;
    config::Block block;
};
// Where this name stands. "vrrp_instance/interface", or a shorter end of the path, asks for one block only.
// Words of entries (dev, label) are found too.
[[nodiscard]] std::vector<KeywordPlace> places_of(std::string_view name);
// Every name once, sorted; without the shapes of entries ("<entry>", "(address entry)").
[[nodiscard]] std::vector<std::string_view> all_keywords();
// The name in the whole schema that is most similar to this one; empty if none is similar enough.
[[nodiscard]] std::string_view nearest_of_all(std::string_view name);

// The row that opens a block; null for the root and the language.
[[nodiscard]] const config::KeywordSpec* opener_of(config::Block block);
// Whether the keyword has an effect: it is acted on, and so is every enclosing block.
[[nodiscard]] bool acts_in(const KeywordPlace& place);
// "a whole number, 1 to 255"; "on or off (bare: on)".
[[nodiscard]] std::string takes_text(const config::KeywordSpec& row);
// What it does, and where it does so.
[[nodiscard]] std::string help_of(const config::KeywordSpec& row);
// The lines of an example, inside of its blocks. Empty where there is none: words of entries have their forms.
[[nodiscard]] std::vector<std::string> example_of(const KeywordPlace& place);

// For the terminal: every meaning of the keyword. Nothing when it is unknown.
[[nodiscard]] std::optional<std::string> explain(std::string_view keyword);
// One table a block: keyword, default, whether it acts yet, meaning.
[[nodiscard]] std::string reference_markdown();
// For programs: a line for each keyword in each block that knows it: block, keyword, "acts" or "not yet", between tabs.
[[nodiscard]] std::string reference_list();
// The same for mainstay.conf(5), as man(7) macros.
[[nodiscard]] std::string reference_roff();

// Text for manual pages.

inline std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
    return text;
}

inline std::string roff(std::string_view text) {
    std::string out = replaced(std::string{text}, "\\", "\\e");
    out = replaced(std::move(out), "-", "\\-");
    if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
    return out;
}
// An argument of a macro.
inline std::string roff_word(std::string_view text) {
    return fmt::format("\"{}\"", replaced(roff(text), "\"", "\\(dq"));
}

}  // namespace mainstay::cli
