// Stores the values of keywords without a setter in `more` of the open block's struct (model.hpp), under the keyword's
// name. Blocks without a struct become sections.
#pragma once

#include "config/schema/parse_context.hpp"

namespace mainstay::config {

// The value as the row's arguments type it, and the words that stood before and behind it ("all", "reverse").
[[nodiscard]] KeywordData data_of(const Value& value);
// Puts the value into `values`, as the row's `repeat` says. Reports a second one where the first stays.
void keep(ParseContext& reading, KeywordValues& values, const Value& value);
// delay, fork_delay or terminate_delay of vrrp_track_process: delay sets both others, and the last line counts.
[[nodiscard]] bool is_process_delay(const KeywordSpec& row);
// The same for a keyword that is a line of its own.
void keep_line(ParseContext& reading, std::vector<Section>& sections, const Value& value, Section line);

// Behind the others of its keyword.
Section& add_section(std::vector<Section>& sections, Section section);

// Of the struct that this block is about, which is open; null for a block that has none.
[[nodiscard]] CompactOptional<ExtraSettings>* more_of(ParseContext& reading, Block block);

// The values and sections of an open block. Makes room only when something is put in.
class Store {
public:
    Store() = default;
    explicit Store(CompactOptional<ExtraSettings>& more) : more_{&more} {}
    explicit Store(Section& section) : section_{&section} {}

    [[nodiscard]] bool made() const { return more_ != nullptr || section_ != nullptr; }
    [[nodiscard]] KeywordValues& values() { return section_ != nullptr ? section_->values : more_->edit().values; }
    [[nodiscard]] std::vector<Section>& sections() {
        return section_ != nullptr ? section_->sections : more_->edit().sections;
    }

private:
    CompactOptional<ExtraSettings>* more_ = nullptr;
    Section* section_ = nullptr;
};

// What the value parsers share: descriptions of rows for messages, and the parsers of addresses and words.

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
