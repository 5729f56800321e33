// Converts between words of keepalived's language and TOML strings and numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "mainstay/config/toml/toml.hpp"

namespace mainstay::config {

// ---- to keepalived's language
[[nodiscard]] bool fits_word(std::string_view text);  // false: no word can hold it
// In quotes where it would not be read as one word otherwise; `first` on its line, it might be read as something else.
[[nodiscard]] std::string written_word(std::string_view word, bool first);
// Mail addresses in quotes of their own, as keepalived's language can hold them; nothing when it cannot.
[[nodiscard]] std::optional<std::string> written_mail_addresses(std::string_view text);
// The words of a line, cut at its blanks.
[[nodiscard]] std::vector<std::string_view> cut_line(std::string_view line);
// A command word that gives these arguments, and that nothing is expanded in.
[[nodiscard]] std::string written_command(const std::vector<std::string>& argv);

// ---- to TOML
[[nodiscard]] std::string toml_key(std::string_view name);
// Nothing when it is no UTF-8, or holds what TOML forbids even in an escape.
[[nodiscard]] std::optional<std::string> toml_string(std::string_view text);
// A command as one string, which split_arguments() would split the same way.
[[nodiscard]] std::string command_line(const std::vector<std::string>& argv);
// The value of a keyword with these words.
[[nodiscard]] std::optional<std::string> toml_value(const KeywordSpec& row, const std::vector<std::string>& words);
// An entry of a list: its words as one string, or an array of them where a blank belongs to a word.
[[nodiscard]] std::optional<std::string> toml_entry(const std::vector<std::string>& words);
// A fix with its statements, which stand in backticks, as TOML: write `state MASTER` becomes write `state = "MASTER"`.
[[nodiscard]] std::string fix_in_toml(std::string_view fix);
// "a comment" as "# a comment", with nothing in it that TOML forbids.
[[nodiscard]] std::string toml_comment(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace mainstay::config
