// From places in the snapshot text back to the operator's files.
#include <algorithm>

#include "expand.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/config/language/resolver.hpp"

namespace mainstay::config {

void Snapshot::index_lines() {
    line_starts_.assign(1, 0);
    const std::string_view here = text();
    for (std::size_t at = 0; (at = here.find('\n', at)) != std::string_view::npos;)
        line_starts_.push_back(static_cast<std::uint32_t>(++at));
}

std::size_t Snapshot::span_at(std::uint32_t offset) const {
    const auto span = std::ranges::upper_bound(map, offset, {}, &Span::offset);
    return span == map.begin() ? 0 : static_cast<std::size_t>(span - map.begin()) - 1;
}

Snapshot::Spot Snapshot::spot(std::uint32_t offset) const {
    const Span& span = map[span_at(offset)];
    if (span.length != 0) return {span.file, span.line, span.column, span.length};
    const auto line = std::ranges::upper_bound(line_starts_, offset) - 1;
    const auto first = std::ranges::upper_bound(line_starts_, span.offset) - 1;
    const bool same = line == first;
    const std::uint32_t from = same ? span.offset : *line;
    const auto before = static_cast<std::uint32_t>(characters(text().substr(from, offset - from)));
    return {span.file, span.line + static_cast<std::uint32_t>(line - first), (same ? span.column : 1) + before, 1};
}

Place Snapshot::place(Mark mark) const {
    if (map.empty()) return {};
    const std::string_view here = text();
    const auto offset = static_cast<std::uint32_t>(std::min<std::size_t>(mark.offset, here.size()));
    const Spot from = spot(offset);
    // The last character of the mark; it may have come from another part of the same line.
    std::size_t last = std::min<std::size_t>(offset + std::max(mark.length, 1U), here.size());
    last = std::max<std::size_t>(last, offset + 1) - 1;
    while (last > offset && last < here.size() && continues_utf8(here[last])) --last;
    const Spot to = spot(static_cast<std::uint32_t>(last));
    std::uint32_t length = from.length;
    if (to.file == from.file && to.line == from.line && to.column >= from.column)
        length = std::max(length, to.column + to.length - from.column);
    return {.file = from.file, .line = from.line, .column = from.column, .length = length};
}

std::pair<std::uint32_t, std::uint32_t> Snapshot::line_of(Mark mark) const {
    if (map.empty()) return {0, 1};
    const Span& span = map[span_at(mark.offset)];
    const auto lines = std::ranges::count(text().substr(span.offset, mark.offset - span.offset), '\n');
    return {span.file, span.line + static_cast<std::uint32_t>(lines)};
}

const Snapshot::Span* Snapshot::span_of(Mark mark) const { return map.empty() ? nullptr : &map[span_at(mark.offset)]; }

const Snapshot::Definition* Snapshot::definition_at(Mark mark) const {
    if (map.empty()) return nullptr;
    for (std::size_t i = span_at(mark.offset); i < map.size(); ++i) {
        if (i > 0 && map[i].offset > mark.offset && map[i].offset >= mark.offset + std::max(mark.length, 1U)) break;
        if (map[i].definition != 0) return &definitions[map[i].definition - 1];
    }
    return nullptr;
}

}  // namespace mainstay::config
