// Writes statements as a TOML document: first makes a tree of statements and comments, then its text.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/language/expand.hpp"
#include "config/schema/value_store.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "tree.hpp"
#include "words.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kMostColumns = 100;  // of what is put on one line

// A line of a table: `key = value`, with its comments.
struct TableLine {
    std::vector<std::string> before;
    std::string text, behind;
};

std::string joined(const std::vector<std::string>& values, std::string_view open, std::string_view close) {
    return fmt::format("{}{}{}", open, fmt::join(values, ", "), close);
}

std::optional<std::string> command_value(const Command& command) {
    auto line = toml_string(command_line(command.argv));
    if (!line || command.user.empty()) return line;
    const auto user = toml_string(command.user), group = toml_string(command.group);
    if (!user || !group) return std::nullopt;
    if (command.group.empty()) return fmt::format("{{ command = {}, user = {} }}", *line, *user);
    return fmt::format("{{ command = {}, user = {}, group = {} }}", *line, *user, *group);
}

std::optional<std::string> statement_value(const TomlItem& item) {
    if (item.command) return command_value(*item.command);
    return toml_value(*item.row, item.words);
}

class TomlWriter {
public:
    TomlWriter(const Snapshot& snapshot, TomlOrder order, Converted& converted)
        : snapshot_{snapshot}, order_{order}, converted_{converted} {}

    void table(const std::vector<TomlItem>& items, const std::string& path) {
        for (const TableLine& line : lines(items)) put(line);
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (toml_shape(*items[i].row) == TomlShape::NamedList && is_first(items, i))
                named_lists(items, i, path);
            else if (is_block(items[i]) && !fits_inline(items[i], items) && !comes_before_values(items, i))
                block(items[i], items, path);
        }
    }

    void comments(const std::vector<std::string>& comments) {
        for (const std::string& comment : comments) converted_.text += toml_comment(comment) + "\n";
    }

private:
    static bool is_block(const TomlItem& item) { return item.row->args.takes == Takes::Opens; }
    static bool is_list(const TomlItem& item) {
        const TomlShape shape = toml_shape(*item.row);
        return shape == TomlShape::List || shape == TomlShape::NamedList;
    }

    void put(const TableLine& line) {
        comments(line.before);
        converted_.text += line.text;
        if (!line.behind.empty()) converted_.text += "  " + toml_comment(line.behind);
        converted_.text += '\n';
    }

    void lost(const TomlItem& item, std::string_view why) {
        converted_.lost.push_back({snapshot_.place(item.mark), fmt::format("{}: {}", item.row->name, why)});
    }

    // ---- values ----------------------------------------------------------------------------------------------------

    std::vector<TableLine> lines(const std::vector<TomlItem>& items) {
        std::vector<TableLine> lines;
        for (std::size_t i = 0; i < items.size(); ++i) {
            const TomlItem& item = items[i];
            if (toml_shape(*item.row) == TomlShape::NamedList) continue;  // these are tables
            if (is_list(item)) {
                if (is_first(items, i)) add_list(items, i, lines);
            } else if (is_block(item)) {
                if (fits_inline(item, items) || (is_first(items, i) && comes_before_values(items, i)))
                    add_inline(items, i, lines);
            } else if (i == place_of_repeated(items, i)) {
                add_value(items, i, lines);
            }
        }
        return lines;
    }

    static bool same(const TomlItem& a, const TomlItem& b) { return a.row == b.row; }
    static bool is_first(const std::vector<TomlItem>& items, std::size_t at) {
        return std::none_of(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(at),
                            [&](const TomlItem& other) { return same(other, items[at]); });
    }
    // The last statement of a keyword decides, so that is where it must stand among those that it contradicts. But
    // values that the model only keeps, it keeps in the order of the first that it took (keyword_values.hpp).
    std::size_t place_of_repeated(const std::vector<TomlItem>& items, std::size_t at) const {
        const KeywordSpec& row = *items[at].row;
        const bool kept_only = (row.set == nullptr && !is_process_delay(row)) || order_ == TomlOrder::ExactFirst;
        std::size_t place = at;
        for (std::size_t i = items.size(); i-- > 0;) {
            if (!same(items[i], items[at])) continue;
            if (!kept_only) return i;
            if (items[i].accepted || !items[place].accepted) place = i;
        }
        return place;
    }

    // All statements of one keyword.
    void add_value(const std::vector<TomlItem>& items, std::size_t at, std::vector<TableLine>& lines) {
        const KeywordSpec& row = *items[at].row;
        TableLine line;
        std::vector<std::string> values;
        for (const TomlItem& item : items) {
            if (!same(item, items[at])) continue;
            auto value = statement_value(item);
            if (!value) {
                lost(item, "it is not UTF-8");
                continue;
            }
            std::ranges::copy(item.before, std::back_inserter(line.before));
            if (line.behind.empty())
                line.behind = item.behind;
            else if (!item.behind.empty())
                line.before.push_back(item.behind);
            values.push_back(std::move(*value));
        }
        if (values.empty()) return;
        if (row.args.takes == Takes::Flag) values.resize(1);
        if (values.size() == 1) {
            line.text = fmt::format("{} = {}", toml_key(row.name), values[0]);
        } else {
            // Of a keyword with several words an array of scalars would be the words.
            const bool nest = most_words(row) > 1 && row.args.takes != Takes::Command;
            for (std::string& value : values)
                if (nest && !value.starts_with('[')) value = fmt::format("[{}]", nested(value));
            line.text = fmt::format("{} = {}", toml_key(row.name), joined(values, "[", "]"));
        }
        lines.push_back(std::move(line));
    }

    // "a b" as the words of an array.
    static std::string nested(const std::string& value) {
        if (!value.starts_with('"') && !value.starts_with('\'')) return value == "true" ? "" : value;
        std::vector<std::string> words;
        const char quote = value.front();
        for (const auto word : cut_line(std::string_view{value}.substr(1, value.size() - 2)))
            words.push_back(fmt::format("{}{}{}", quote, word, quote));
        return joined(words, "", "");
    }

    std::vector<TableLine> entries(const TomlItem& list) {
        std::vector<TableLine> lines;
        for (const TomlEntry& entry : list.entries) {
            const bool items = list.row->args.takes == Takes::Items;
            auto value = items ? toml_string(entry.words.at(0)) : toml_entry(entry.words);
            if (!value) {
                lost(list, "an entry is not UTF-8");
                continue;
            }
            lines.push_back({entry.before, std::move(*value), entry.behind});
        }
        if (!list.at_end.empty()) lines.push_back({list.at_end, {}, {}});
        return lines;
    }

    // Repeated lists are one: they are merged where they are read, too.
    void add_list(const std::vector<TomlItem>& items, std::size_t first, std::vector<TableLine>& lines) {
        std::vector<TableLine> all;
        TableLine line;
        for (std::size_t i = first; i < items.size(); ++i) {
            if (!same(items[i], items[first])) continue;
            std::ranges::copy(items[i].before, std::back_inserter(line.before));
            if (!items[i].behind.empty())
                (line.behind.empty() ? line.behind : line.before.emplace_back()) = items[i].behind;
            std::ranges::move(entries(items[i]), std::back_inserter(all));
        }
        line.text = list_text(toml_key(items[first].row->name), all, line.behind);
        lines.push_back(std::move(line));
    }

    // On one line when it fits; then a comment behind its only entry goes behind the line.
    static std::string list_text(const std::string& key, std::vector<TableLine>& all, std::string& behind) {
        std::vector<std::string> values;
        for (const TableLine& entry : all)
            if (!entry.text.empty()) values.push_back(entry.text);
        if (all.size() == 1 && behind.empty()) behind = std::exchange(all[0].behind, {});
        const bool commented =
            std::ranges::any_of(all, [](const TableLine& e) { return !e.before.empty() || !e.behind.empty(); });
        std::string text = fmt::format("{} = {}", key, joined(values, "[", "]"));
        if (!commented && text.size() <= kMostColumns) return text;
        text = fmt::format("{} = [", key);
        if (!behind.empty()) text += "  " + toml_comment(std::exchange(behind, {}));
        text += '\n';
        for (const TableLine& entry : all) {
            for (const std::string& comment : entry.before) text += "    " + toml_comment(comment) + "\n";
            if (entry.text.empty()) continue;
            text += fmt::format("    {},", entry.text);
            if (!entry.behind.empty()) text += "  " + toml_comment(entry.behind);
            text += '\n';
        }
        return text + "]";
    }

    // ---- blocks ----------------------------------------------------------------------------------------------------

    // A small block of plain values reads best as one line. But such lines come before all tables of this one: a block
    // behind one that is a table is a table, too.
    bool fits_inline(const TomlItem& item, const std::vector<TomlItem>& siblings) {
        for (const TomlItem& sibling : siblings) {
            if (&sibling == &item) return is_small(item, siblings);
            if (is_block(sibling) && !is_small(sibling, siblings)) return false;
        }
        return false;
    }

    bool is_small(const TomlItem& item, const std::vector<TomlItem>& siblings) {
        if (toml_shape(*item.row) != TomlShape::Table || parent_of(item.row->args.opens) == Block::Root) return false;
        const bool alone =
            std::ranges::count_if(siblings, [&](const TomlItem& other) { return same(other, item); }) == 1;
        const bool plain =
            item.at_end.empty() && std::ranges::all_of(item.children, [](const TomlItem& child) {
                return child.before.empty() && child.behind.empty() && !is_block(child) && !is_list(child);
            });
        return alone && plain && inline_text(item).size() <= kMostColumns;
    }

    // Where the order of statements counts: this block, or one of its kind before it, has a value behind it.
    bool comes_before_values(const std::vector<TomlItem>& items, std::size_t at) const {
        if (order_ == TomlOrder::Readable || parent_of(items[at].row->args.opens) == Block::Root) return false;
        bool begun = false;
        for (const TomlItem& item : items) {
            begun = begun || same(item, items[at]);
            if (begun && !is_block(item)) return true;
        }
        return false;
    }

    std::string inline_text(const TomlItem& item) {
        std::vector<TomlItem> alone{item};
        std::vector<TableLine> lines;
        const std::size_t before = converted_.lost.size();
        add_inline(alone, 0, lines);
        converted_.lost.resize(before);
        return lines[0].text;
    }

    // All blocks of one keyword, with all that is in them, on one line.
    void add_inline(const std::vector<TomlItem>& items, std::size_t first, std::vector<TableLine>& out) {
        TableLine line{.before = items[first].before, .text = {}, .behind = items[first].behind};
        std::vector<std::string> tables;
        for (std::size_t i = first; i < items.size(); ++i) {
            if (!same(items[i], items[first])) continue;
            if (i != first) keep_comments({items[i].before, {}, items[i].behind}, line);
            tables.push_back(inline_table(items[i], line));
        }
        const bool array = toml_shape(*items[first].row) == TomlShape::Tables || tables.size() > 1;
        line.text =
            fmt::format("{} = {}", toml_key(items[first].row->name), array ? joined(tables, "[", "]") : tables[0]);
        out.push_back(std::move(line));
    }

    std::string inline_table(const TomlItem& item, TableLine& around) {
        std::vector<std::string> values;
        if (toml_shape(*item.row) == TomlShape::Tables)
            values.push_back(fmt::format("{} = {}", kTomlWordsKey, toml_entry(item.words).value_or("\"\"")));
        std::vector<TableLine> inner;
        const auto& children = item.children;
        for (std::size_t i = 0; i < children.size(); ++i) {
            const bool value = !is_list(children[i]) && !is_block(children[i]);
            if (value && i == place_of_repeated(children, i))
                add_value(children, i, inner);
            else if (!value && is_first(children, i) && is_list(children[i]))
                inner.push_back(inline_list(children, i));
            else if (!value && is_first(children, i))
                add_inline(children, i, inner);
        }
        for (TableLine& line : inner) {
            values.push_back(std::exchange(line.text, {}));
            keep_comments(line, around);
        }
        keep_comments({item.at_end, {}, {}}, around);
        return values.empty() ? "{}" : joined(values, "{ ", " }");
    }

    TableLine inline_list(const std::vector<TomlItem>& items, std::size_t first) {
        TableLine line;
        std::vector<std::string> values;
        for (std::size_t i = first; i < items.size(); ++i) {
            if (!same(items[i], items[first])) continue;
            keep_comments({items[i].before, {}, items[i].behind}, line);
            for (const TableLine& entry : entries(items[i])) {
                keep_comments(entry, line);
                if (!entry.text.empty()) values.push_back(entry.text);
            }
        }
        line.text = fmt::format("{} = {}", toml_key(items[first].row->name), joined(values, "[", "]"));
        return line;
    }

    static void keep_comments(const TableLine& from, TableLine& to) {
        std::ranges::copy(from.before, std::back_inserter(to.before));
        if (!from.behind.empty()) to.before.push_back(from.behind);
    }

    // Several lists of one keyword share a table.
    void named_lists(const std::vector<TomlItem>& items, std::size_t first, const std::string& path) {
        const std::string key = path + toml_key(items[first].row->name);
        if (!converted_.text.empty()) converted_.text += '\n';
        converted_.text += fmt::format("[{}]\n", key);
        std::vector<std::string> names;
        for (std::size_t i = first; i < items.size(); ++i) {
            if (!same(items[i], items[first])) continue;
            const std::string name = items[i].words.empty() ? std::string{} : items[i].words[0];
            if (!is_utf8(name) || std::ranges::find(names, name) != names.end()) {
                lost(items[i], is_utf8(name) ? "this name was used before" : "its name is not UTF-8");
                continue;
            }
            names.push_back(name);
            auto all = entries(items[i]);
            std::string behind = items[i].behind;
            const std::string text = list_text(toml_key(name), all, behind);
            put({items[i].before, text, behind});
        }
    }

    void block(const TomlItem& item, const std::vector<TomlItem>& siblings, const std::string& path) {
        const KeywordSpec& row = *item.row;
        const TomlShape shape = toml_shape(row);
        std::string name = path + toml_key(row.name);
        const std::string word = item.words.empty() ? std::string{} : item.words[0];
        if (shape == TomlShape::NamedTable) {
            if (!is_utf8(word)) return lost(item, "its name is not UTF-8");
            name += "." + toml_key(word);
        }
        const auto on = toml_entry(item.words);
        if (shape == TomlShape::Tables && !on) return lost(item, "it is not UTF-8");
        const auto has_twin = [&] {
            return std::ranges::count_if(siblings, [&](const TomlItem& other) {
                       return same(other, item) && (shape != TomlShape::NamedTable || other.words == item.words);
                   }) > 1;
        };
        const bool array = shape == TomlShape::Tables || has_twin();
        if (!converted_.text.empty()) converted_.text += '\n';
        put({item.before, array ? fmt::format("[[{}]]", name) : fmt::format("[{}]", name), item.behind});
        if (shape == TomlShape::Tables) converted_.text += fmt::format("{} = {}\n", kTomlWordsKey, *on);
        table(item.children, name + ".");
        comments(item.at_end);
    }

    const Snapshot& snapshot_;
    TomlOrder order_;
    Converted& converted_;
};

}  // namespace

Converted to_toml(Snapshot& snapshot, TomlOrder order) {
    Converted converted;
    snapshot.index_lines();
    const TomlTree tree = read_tree(snapshot, converted.lost);
    TomlWriter writer{snapshot, order, converted};
    writer.table(tree.items, {});
    writer.comments(tree.at_end);
    return converted;
}

}  // namespace mainstay::config
