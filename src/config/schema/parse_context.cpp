#include "parse_context.hpp"

#include <algorithm>

namespace mainstay::config {

Diagnostic* ParseContext::reported_of(Block block, std::size_t owner, std::string_view keyword) {
    const auto found = std::ranges::find_if(attempts, [&](const Attempt& attempt) {
        return attempt.block == block && attempt.owner == owner && attempt.keyword == keyword;
    });
    return found == attempts.end() ? nullptr : &diag.entries()[found->entry].diagnostic;
}

std::string ParseContext::where(Mark mark) const {
    const auto [file, line] = snapshot.line_of(mark);
    return file == 0 ? fmt::format("line {}", line) : fmt::format("{}:{}", snapshot.files[file].path, line);
}

}  // namespace mainstay::config
