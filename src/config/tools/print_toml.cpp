// Prints a TOML document as keepalived.conf, or as TOML in canonical form. The daemon's own tables are left out of the
// former and copied unchanged into the latter.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/toml/document.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/config/tools/print.hpp"

namespace mainstay::config {
namespace {

struct Lines {
    std::uint32_t first = 0, last = 0;  // inclusive
};

struct OwnTable {
    std::string name;
    TomlPlace place;
    Lines lines;
};

// The lines of a table from `first` on, with the comments right above it.
Lines lines_of(const TomlDocument& document, const toml::node& node, std::uint32_t first) {
    Lines lines{std::min<std::uint32_t>(first, node.source().begin.line), node.source().end.line};
    if (const auto* table = node.as_table())
        for (const auto& [name, value] : *table) lines.last = std::max(lines.last, value.source().end.line);
    for (auto comment = document.comments.rbegin(); comment != document.comments.rend(); ++comment)
        if (comment->alone && comment->line + 1 == lines.first) --lines.first;
    return lines;
}

// The daemon's own tables; of a list of tables, each by itself, because others may stand between them.
std::vector<OwnTable> own_tables(const TomlDocument& document) {
    std::vector<OwnTable> tables;
    for (const auto& [key, node] : document.root) {
        if (!is_settings_table(key.str())) continue;
        const std::string name{key.str()};
        if (node.is_array_of_tables()) {
            for (const auto& one : *node.as_array())
                tables.push_back({name, place_of(one.source()), lines_of(document, one, one.source().begin.line)});
            continue;
        }
        tables.push_back({name, place_of(key.source()), lines_of(document, node, key.source().begin.line)});
    }
    std::ranges::sort(tables, {}, [](const OwnTable& own) { return own.lines.first; });
    return tables;
}

std::string copied(std::string_view text, Lines lines) {
    std::string out;
    for (std::uint32_t line = 1; !text.empty() && line <= lines.last; ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        if (line >= lines.first) out += text.substr(0, end);
        text.remove_prefix(end);
    }
    return out;
}

// Without what copied() takes: to read the rest with its comments.
std::string blanked(std::string_view text, const std::vector<OwnTable>& tables) {
    std::string out;
    for (std::uint32_t line = 1; !text.empty(); ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        const bool own = std::ranges::any_of(
            tables, [&](const OwnTable& table) { return line >= table.lines.first && line <= table.lines.last; });
        out += own ? std::string_view{"\n"} : text.substr(0, end);
        text.remove_prefix(end);
    }
    return out;
}

void lose_errors(const Snapshot& snapshot, Converted& converted) {
    for (const Diagnostic& d : snapshot.findings)
        if (d.severity >= Severity::Error) converted.lost.push_back({d.place, d.message});
}

}  // namespace

Converted to_conf(SourceFile toml) {
    Converted converted;
    const auto parsed = parse_toml(toml.text);
    if (const auto* document = std::get_if<TomlDocument>(&parsed)) {
        const auto tables = own_tables(*document);
        for (const OwnTable& own : tables)
            converted.lost.push_back({{.line = own.place.line, .column = own.place.column},
                                      fmt::format("[{}], a setting of mainstayd itself", own.name)});
        if (!tables.empty()) toml.text = blanked(toml.text, tables);
    }
    const Snapshot snapshot = read_toml(std::move(toml), true);
    lose_errors(snapshot, converted);
    converted.text = print(snapshot.text());
    return converted;
}

Converted print_toml(SourceFile toml) {
    std::string own_text;
    const auto parsed = parse_toml(toml.text);
    if (const auto* document = std::get_if<TomlDocument>(&parsed)) {
        const auto tables = own_tables(*document);
        for (const OwnTable& own : tables) {
            if (!own_text.empty()) own_text += '\n';
            own_text += copied(toml.text, own.lines);
            if (!own_text.ends_with('\n')) own_text += '\n';
        }
        if (!tables.empty()) toml.text = blanked(toml.text, tables);
    }
    Snapshot snapshot = read_toml(std::move(toml), true);
    Converted converted = to_toml(snapshot);
    lose_errors(snapshot, converted);
    if (!own_text.empty() && !converted.text.empty()) converted.text += '\n';
    converted.text += own_text;
    return converted;
}

}  // namespace mainstay::config
