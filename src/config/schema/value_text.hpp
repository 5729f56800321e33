// What the value parsers share: descriptions of rows for messages, and the parsers of addresses and words.
#pragma once

#include "config/parse/parse_context.hpp"

namespace mainstay::config {

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;

// How many words the argument itself may have: the one before and the one behind it do not count.
[[nodiscard]] constexpr std::size_t argument_words(const Args& args) {
    return std::size_t{args.words_max} - (args.lead.empty() ? 0 : 1) - (args.tail.empty() ? 0 : 1);
}
[[nodiscard]] std::string range_text(const KeywordSpec& row);      // "0 to 255 seconds"
[[nodiscard]] std::string default_effect(const KeywordSpec& row);  // what happens when the value is not used
// A position of a line has a name for people only; the first one is called as the keyword before it.
[[nodiscard]] std::string_view shown_name(const Value& value);
[[nodiscard]] bool is_choice(std::string_view choices, std::string_view word, bool any_case);
[[nodiscard]] std::string listed(std::string_view choices);  // "a, b, c"

// As C writes numbers: 0x1f, 017, 15, +15. Nullopt when it is none, or does not fit into 64 bits.
[[nodiscard]] std::optional<std::int64_t> number_of_any_base(std::string_view word);
// "+5x" as "+5" and "x"; no number where none leads the word.
struct SplitNumber {
    std::string_view number, behind;
};
[[nodiscard]] SplitNumber split_number(std::string_view word);
[[nodiscard]] inline bool begins_with_letter(std::string_view word) {
    return !word.empty() && ((word[0] >= 'a' && word[0] <= 'z') || (word[0] >= 'A' && word[0] <= 'Z'));
}

// Each parses the value, or reports why it is invalid.
[[nodiscard]] bool read_address(ParseContext& reading, Value& value);
[[nodiscard]] bool read_address_range(ParseContext& reading, Value& value);
[[nodiscard]] bool read_prefix(ParseContext& reading, Value& value);
[[nodiscard]] bool read_duration(ParseContext& reading, Value& value);
[[nodiscard]] bool read_numbers(ParseContext& reading, Value& value);
[[nodiscard]] bool read_word(ParseContext& reading, Value& value);

}  // namespace mainstay::config
