// The printer follows the statements as the parser does (parser.cpp), because which words are keywords, and whether //
// begins a comment, depends on the block. Comments are what lies between the marks of two statements.
#include "mainstay/config/tools/print.hpp"

#include <algorithm>
#include <vector>

#include "config/language/expand.hpp"
#include "mainstay/config/language/lexer.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "print_text.hpp"

namespace mainstay::config {
namespace {

class Printer final : Lexer::Listener {
public:
    std::string run(std::string_view text) {
        if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
        std::size_t plain_from = 0, at = 0;
        std::string_view opener;  // the @id of the line before, if that opened a block
        while (at < text.size()) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            const SpecialLine kind = special_line(text.substr(at, end - at));
            if (kind == SpecialLine::None) {
                at = end + 1;
                opener = {};
                continue;
            }
            plain(text.substr(plain_from, at - plain_from));
            at = kind == SpecialLine::Definition ? definition(text, at)
                                                 : verbatim(text.substr(at, end - at), end, opener);
            plain_from = at;
        }
        if (plain_from < text.size()) plain(text.substr(plain_from));
        return out_.take();
    }

private:
    struct Frame {
        Block block = Block::None;
        const KeywordSpec* row = nullptr;  // that opened it; null for the root and for blocks that are not known
    };

    // ---- lines that the resolver reads ---------------------------------------------------------------------------

    std::size_t definition(std::string_view text, std::size_t at) {
        bool first = true, more = true;
        while (more && at < text.size()) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            const std::string_view line = without_end(text.substr(at, end - at));
            out_.line(first ? trimmed(line) : line, first ? frames_.size() - 1 : 0);
            more = line.ends_with('\\');
            first = false;
            at = end + 1;
        }
        out_.end_of_line();
        return std::min(at, text.size());
    }

    // Printed as it stands, read for its braces. Of several @id alternatives that open a block only the first counts.
    std::size_t verbatim(std::string_view line, std::size_t end, std::string_view& opener) {
        const std::string_view all = trimmed(line);
        const std::string_view id = all.substr(0, all.find_first_of(" \t"));
        const auto before = frames_;
        silent_ = true;
        statements(all.substr(id.size()));
        silent_ = false;
        const bool opens = frames_.size() > before.size();
        const bool another = opens && id.starts_with('@') && !opener.empty() && opener != id;
        if (another) frames_ = before;
        opener = opens && id.starts_with('@') ? id : std::string_view{};
        const bool closes = frames_.size() < before.size();
        out_.line(all, (closes ? frames_.size() : before.size()) - (another ? 2 : 1));
        out_.end_of_line();
        return end + 1;
    }

    // ---- statements ----------------------------------------------------------------------------------------------

    void plain(std::string_view text) {
        if (!text.empty()) statements(text);
    }

    void statements(std::string_view text) {
        Lexer lexer{text, *this};
        std::size_t done = 0;  // up to here the text is printed
        Statement current, ahead;
        lexer.next(current);
        while (current.kind != Statement::Kind::End) {
            gap(text.substr(done, current.mark.offset - done));
            done = end_of(current);
            if (current.kind != Statement::Kind::Words) {
                brace(current.kind == Statement::Kind::Open);
                lexer.next(current);
                continue;
            }
            lexer.next(ahead);
            if (words(current, ahead)) {
                gap(text.substr(done, ahead.mark.offset - done));
                done = end_of(ahead);
                out_.line_of_brace();
                lexer.next(ahead);
            }
            std::swap(current, ahead);
        }
        gap(text.substr(done));
        if (!silent_) out_.end_of_line();
    }

    static std::size_t end_of(const Statement& s) {
        if (s.slash_comment.length != 0) return std::size_t{s.slash_comment.offset} + s.slash_comment.length;
        return std::size_t{s.mark.offset} + s.mark.length;
    }

    void gap(std::string_view between) {
        if (!silent_) out_.gap(between, frames_.size() - 1);
    }

    void brace(bool opens) {
        if (!opens && frames_.size() > 1) frames_.pop_back();
        if (!silent_) out_.statement(opens ? "{" : "}", frames_.size() - 1);
        if (opens) frames_.push_back({});
        block_awaits_brace_ = false;
    }

    // True when `ahead` is this statement's { and was printed with it.
    bool words(const Statement& s, const Statement& ahead) {
        const bool opens = ahead.kind == Statement::Kind::Open;
        const std::size_t depth = frames_.size() - 1;
        if (s.words.empty()) {
            comment_line(s, opens, depth);
            return false;
        }
        const Frame frame = frames_.back();
        const KeywordSpec* row = in_list(frame) ? nullptr : find_row(frame.block, s.words[0].text);
        const std::string text = statement_text(s, row, frame.block);
        const bool joins = opens && !s.broken;
        if (!silent_) {
            out_.statement(text, depth);
            if (joins) out_.open_brace(depth);
            if (s.slash_comment.length != 0) out_.slash_comment(slash_comment_of(s), depth);
        }
        const bool known_block = row != nullptr && is_block(row->args.takes);
        block_awaits_brace_ = known_block && !opens;
        if (joins) {
            frames_.push_back(known_block ? Frame{row->args.opens, row} : Frame{});
        } else if (known_block && !opens && contents_follow(*row, ahead, frame)) {
            frames_.push_back({row->args.opens, row});
            block_awaits_brace_ = false;
        }
        return joins;
    }

    // The parser reads on as if the { were there.
    static bool contents_follow(const KeywordSpec& row, const Statement& ahead, const Frame& frame) {
        return row.args.takes == Takes::Opens && ahead.kind == Statement::Kind::Words && !ahead.words.empty() &&
               find_row(row.args.opens, ahead.words[0].text) != nullptr &&
               find_row(frame.block, ahead.words[0].text) == nullptr;
    }

    // A line that is only a // comment. To the parser it stands between a keyword and its {, so there it stays.
    void comment_line(const Statement& s, bool opens, std::size_t depth) {
        if (silent_ || s.slash_comment.length == 0) return;
        const std::string_view text = slash_comment_of(s);
        if (opens || block_awaits_brace_)
            out_.statement(without_end(text), depth);
        else
            out_.slash_comment(text, depth);
    }

    [[nodiscard]] static std::string_view slash_comment_of(const Statement& s) {
        // raw begins at the statement's mark, and both point into the same text
        return {s.raw.data() + (s.slash_comment.offset - s.mark.offset), s.slash_comment.length};
    }

    static bool in_list(const Frame& frame) { return frame.row != nullptr && is_list(frame.row->args.takes); }

    bool wants_argument(std::span<const Token> words) override {
        const Frame& frame = frames_.back();
        if (in_list(frame) || frame.block == Block::None) return false;
        const KeywordSpec* row = find_row(frame.block, words[0].text);
        return row != nullptr && words.size() <= row->args.words_min;
    }
    void found(const LexFinding&) override {}  // the parser reports it

    PrintedText out_;
    std::vector<Frame> frames_{{Block::Root, nullptr}};
    bool silent_ = false;
    bool block_awaits_brace_ = false;  // the statement before names a block, and its { has not come
};

}  // namespace

std::string print(std::string_view text) { return Printer{}.run(text); }

}  // namespace mainstay::config
