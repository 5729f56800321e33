
#include <algorithm>

#include "parser.hpp"

namespace mainstay::config {
namespace {

std::string_view ascii_part(std::string_view word) {
    const auto end = std::ranges::find_if(word, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    return word.substr(0, static_cast<std::size_t>(end - word.begin()));
}

// "priority 100" of `priority=100` and `priority: 100`, where the block has such a keyword; else empty.
std::string without_sign(const Statement& s, Block block) {
    const std::string_view word = s.words[0].text;
    const std::string_view keyword = word.substr(0, word.find_first_of("=:"));
    if (keyword.size() == word.size() || find_row(block, keyword) == nullptr) return {};
    const std::string_view value = word.substr(keyword.size() + 1);
    if (!value.empty()) return fmt::format("{} {}", keyword, value);
    return s.words.size() > 1 ? fmt::format("{} {}", keyword, s.words[1].text) : std::string{};
}

}  // namespace

std::string_view nearest_to(const Statement& s, Block block) {
    if (s.words.size() > 1)
        if (const KeywordSpec* joined = find_row(block, fmt::format("{}_{}", s.words[0].text, s.words[1].text)))
            return joined->name;
    return nearest_keyword(block, ascii_part(s.words[0].text));
}

Block home_of(std::string_view word) {
    for (std::size_t b = 1; b < static_cast<std::size_t>(Block::kCount); ++b)
        if (const auto block = static_cast<Block>(b); find_row(block, word) != nullptr) return block;
    return Block::None;
}

Unknowns::Slip Unknowns::slip(const Statement& s, Block block) {
    const Token& word = s.words[0];
    const auto invisible = invisible_character(word.text);
    const std::string_view rest = word.text.substr(invisible.bytes);
    const std::string_view meant = !rest.empty() || s.words.size() < 2 ? rest : std::string_view{s.words[1].text};
    if (invisible.bytes == 0) return {report_slip(r_.diag, block, s), meant};
    // Pasted text has them on many lines.
    if (const auto known = invisible_.find(invisible.name); known != invisible_.end()) {
        r_.diag.also(known->second, word.mark);
        return {true, meant};
    }
    auto& d = r_.diag.error(Code::InvisibleCharacter, {word.mark.offset, static_cast<std::uint32_t>(invisible.bytes)},
                            fmt::format("the line begins with a {}", invisible.name));
    d.effect = "the line is ignored";
    d.fix = "replace it with plain blanks";
    if (r_.diag.last() != Diagnoser::kNowhere) invisible_.emplace(invisible.name, r_.diag.last());
    return {true, meant};
}

std::uint32_t Unknowns::file_of(const Statement& s) const {
    const Snapshot::Span* span = r_.snapshot.span_of(s.words[0].mark);
    return span == nullptr ? 0 : span->file;
}

// Several lines of prose, or of a block whose first line is missing, have one cause.
bool Unknowns::goes_on(const Statement& s, bool opens) {
    if (!follows() || opens || file_of(s) != last_file_) return false;
    last_line_ = line_;
    r_.diag.also(last_, s.words[0].mark);
    std::string& fix = r_.diag.entries()[last_].diagnostic.fix;
    if (const Block home = home_of(s.words[0].text); home != Block::None && fix.empty() && !continued_)
        fix = fmt::format("{} belongs in {}: is its first line missing?", s.words[0].text, path_of(home));
    return true;
}

std::string_view Unknowns::backslash(const Statement& s, Block block) {
    const Token& word = s.words[0];
    const std::string_view keyword = word.text.substr(0, word.text.size() - 1);
    auto& d = r_.diag.error(Code::UnknownKeyword, word.mark,
                            fmt::format("'{}' is not a keyword: a backslash does not continue a line", word.text));
    d.effect = "the line is ignored, and so is the next one";
    d.fix = "write it on one line";
    last_line_ = line_;
    last_ = r_.diag.last();
    last_file_ = file_of(s);
    continued_ = true;
    const KeywordSpec* row = find_row(block, keyword);
    return row == nullptr ? std::string_view{} : row->name;
}

std::string_view Unknowns::report(const Statement& s, Block block, const KeywordSpec* owner, bool opens) {
    const Token& word = s.words[0];
    // Past the limit nobody reads it: a large file of garbage must not cost a search per line.
    if (r_.diag.full()) {
        r_.diag.error(Code::UnknownKeyword, word.mark, {});
        return {};
    }
    if (continued_ && follows()) return goes_on(s, opens), std::string_view{};
    continued_ = false;
    if (word.text.size() > 1 && word.text.ends_with('\\') && s.words.size() == 1 && !opens) return backslash(s, block);
    const auto near = nearest_to(s, block);
    if (near.empty() && owner == nullptr && goes_on(s, opens)) return {};
    auto& d = r_.diag.error(
        opens ? Code::UnknownBlock : Code::UnknownKeyword, word.mark,
        fmt::format("unknown keyword '{}' {}", word.text,
                    owner == nullptr ? std::string{"outside of all blocks"} : fmt::format("in {}", owner->name)));
    d.effect = !opens             ? "the line is ignored"
               : owner == nullptr ? "this line and its { are ignored"
                                  : fmt::format(
                                        "this line and its {{ are ignored: what is in it counts as in {}, which "
                                        "its }} closes",
                                        owner->name);
    if (const std::string assigned = without_sign(s, block); !assigned.empty())
        d.fix = fmt::format("write `{}`", assigned);
    else if (!near.empty())
        d.fix = fmt::format("did you mean `{}`?", near);
    else if (word.text.starts_with(';') || word.text.starts_with("--") || word.text.starts_with("/*"))
        d.fix = "begin comments with #";
    else if (const Block home = home_of(word.text); home != Block::None)
        d.fix = fmt::format("it belongs in {}", path_of(home));
    if (near.empty() && owner == nullptr && !opens) {
        last_line_ = line_;
        last_ = r_.diag.last();
        last_file_ = file_of(s);
    }
    return near;
}

}  // namespace mainstay::config
