// Stores the values of keywords without a setter in `more` of the open block's struct (model.hpp), under the keyword's
// name. Blocks without a struct become sections.
#pragma once

#include "config/parse/parse_context.hpp"

namespace mainstay::config {

// The value as the row's arguments type it, and the words that stood before and behind it ("all", "reverse").
[[nodiscard]] KeywordData data_of(const Value& value);
// Puts the value into `values`, as the row's `repeat` says. Reports a second one where the first stays.
void keep(ParseContext& reading, KeywordValues& values, const Value& value);
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

}  // namespace mainstay::config
