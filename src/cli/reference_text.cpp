// The three forms of the reference: for the terminal, for docs/compatibility.md, for mainstay.conf(5).
#include <fmt/format.h>

#include <algorithm>

#include "reference.hpp"

namespace mainstay::cli {
namespace {

using config::Block;
using config::KeywordSpec;
using config::Takes;

// The rows of one block as people look for them: keywords by name, then the words of its entries.
std::vector<KeywordPlace> rows_for_people(Block block) {
    std::vector<KeywordPlace> places;
    for (const KeywordSpec* row : config::rows_of(block)) places.push_back({row, block});
    for (const auto table : config::schema())
        for (const KeywordSpec& row : table)
            if (config::is_word_of_line(row) && row.blocks.has(block)) places.push_back({&row, block});
    return places;
}

std::string cell(std::string_view text) { return replaced(std::string{text}, "|", "\\|"); }
// Angle brackets are tags to a reader of Markdown.
std::string prose(std::string_view text) { return replaced(cell(text), "<", "&lt;"); }
std::string code(std::string_view text) { return fmt::format("`{}`", cell(text)); }

std::string shown(const KeywordSpec& row) {
    if (row.args.in_line && row.name.starts_with('<')) return std::string{row.form};  // a word that has no name
    return row.form.empty() ? std::string{row.name} : fmt::format("{} {}", row.name, row.form);
}
// The language's forms hold the keyword already.
std::string keyword_with_form(const KeywordSpec& row) {
    const bool whole = row.form.starts_with(row.name.substr(0, row.name.find('}')));
    return whole ? std::string{row.form} : shown(row);
}

std::string explain_row(const KeywordSpec& row, const std::vector<Block>& blocks) {
    std::string out = fmt::format("{}\n  {}\n\n", keyword_with_form(row), help_of(row));
    const auto line = [&](std::string_view label, std::string_view text) {
        out += fmt::format("  {:<12}{}\n", label, text);
    };
    line("takes", takes_text(row));
    const bool has_value = row.args.takes != Takes::Flag && !config::is_block(row.args.takes);
    line("default", !row.default_text.empty() ? row.default_text : has_value ? "none" : "not set");
    for (std::size_t i = 0; i < blocks.size(); ++i) line(i == 0 ? "allowed in" : "", config::path_of(blocks[i]));
    if (row.required) line("required", "yes");
    if (!row.deprecated.empty()) line("deprecated", fmt::format("write {}", row.deprecated));
    const bool acts = std::ranges::any_of(blocks, [&](Block block) { return acts_in({&row, block}); });
    line("acts", acts ? "yes" : "not yet");
    for (const Block block : blocks)
        if (acts && !acts_in({&row, block})) line("", fmt::format("not yet in {}", config::path_of(block)));
    bool first = true;
    for (const auto& text : example_of({&row, blocks.front()})) {
        line(first ? "example" : "", text);
        first = false;
    }
    return out;
}

std::string sentence(std::string_view label, std::string_view text) {
    if (text.empty()) return {};
    return fmt::format(" {} {}.", label, text);
}

}  // namespace

std::optional<std::string> explain(std::string_view keyword) {
    const auto places = places_of(keyword);
    std::string out;
    std::vector<const KeywordSpec*> listed;
    for (const auto& place : places) {
        if (std::ranges::find(listed, place.row) != listed.end()) continue;
        listed.push_back(place.row);
        std::vector<Block> blocks;
        for (const auto& other : places)
            if (other.row == place.row) blocks.push_back(other.block);
        out += (out.empty() ? "" : "\n") + explain_row(*place.row, blocks);
    }
    if (out.empty()) return std::nullopt;
    return out;
}

std::string reference_markdown() {
    std::string tables;
    std::size_t all = 0, acting = 0;
    for (std::size_t b = 0; b < kBlocks; ++b) {
        const auto places = rows_for_people(static_cast<Block>(b));
        if (places.empty()) continue;
        tables += fmt::format("\n### {}\n\n| keyword | default | acts | meaning |\n|---|---|---|---|\n",
                              config::path_of(static_cast<Block>(b)));
        for (const auto& place : places) {
            const KeywordSpec& row = *place.row;
            const bool acts = acts_in(place);
            ++all;
            if (acts) ++acting;
            const std::string instead =
                row.deprecated.empty() ? "" : fmt::format(" Deprecated: write {}.", prose(row.deprecated));
            tables += fmt::format("| {} | {} | {} | {}{} |\n", code(keyword_with_form(row)), prose(row.default_text),
                                  acts ? "acts" : "not yet", prose(help_of(row)), instead);
        }
    }
    return fmt::format(
        "Of {} keywords and words, counted in each block that knows them, {} act. One that does not act yet "
        "is\nread, checked and named in a warning; nothing else follows from it, unless the table says "
        "so.\n{}",
        all, acting, tables);
}

std::string reference_list() {
    std::string lines;
    for (std::size_t b = 0; b < kBlocks; ++b)
        for (const auto& place : rows_for_people(static_cast<Block>(b)))
            lines += fmt::format("{}\t{}\t{}\n", config::path_of(place.block), place.row->name,
                                 acts_in(place) ? "acts" : "not yet");
    return lines;
}

std::string reference_roff() {
    std::string out;
    for (std::size_t b = 0; b < kBlocks; ++b) {
        const auto places = rows_for_people(static_cast<Block>(b));
        if (places.empty()) continue;
        out += fmt::format(".SS {}\n", roff_word(config::path_of(static_cast<Block>(b))));
        for (const auto& place : places) {
            const KeywordSpec& row = *place.row;
            const std::string whole = keyword_with_form(row);
            const std::string_view name = whole.starts_with(row.name) ? row.name : std::string_view{whole};
            out += fmt::format(".TP\n.BI {} {}\n{}", roff_word(name),
                               roff_word(std::string_view{whole}.substr(name.size())), roff(help_of(row)));
            if (!row.help.ends_with('.')) out += '.';
            out += roff(sentence("Default:", row.default_text)) + roff(sentence("Deprecated: write", row.deprecated));
            if (!acts_in(place)) out += roff(" Does not act yet.");
            out += '\n';
        }
    }
    return out;
}

}  // namespace mainstay::cli
