// Follows the statements as the parser does (parser.cpp): the same lines count, also where braces do not fit.
#include "tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/language/expand.hpp"
#include "config/parse/block_walk.hpp"
#include "config/parse/parser.hpp"
#include "config/schema/parse_context.hpp"
#include "config/schema/setters.hpp"
#include "mainstay/config/language/lexer.hpp"
#include "words.hpp"

namespace mainstay::config {
namespace {

// Of two names for one keyword that under which the value is stored: TOML has no order between them.
const KeywordSpec* stored_row(Block block, std::string_view name) {
    const KeywordSpec* row = find_row(block, name);
    return row == nullptr || row->same_as.empty() ? row : find_row(block, row->same_as);
}

class TreeReader final : Lexer::Listener {
public:
    TreeReader(const Snapshot& snapshot, std::vector<Converted::Lost>& lost)
        : snapshot_{snapshot},
          lost_{lost},
          scratch_{nowhere_, snapshot},
          walked_{walk_blocks(snapshot.text())},
          statements_{walked_.fits ? nullptr : &walked_},
          lexer_{snapshot.text(), *this} {}

    TomlTree run() {
        frames_.push_back({Block::Root, nullptr, {}, 0});
        for (const BraceFault& fault : walked_.faults)
            if (fault.kind != BraceFault::Kind::UnknownBlock)
                lost_.push_back({snapshot_.place(fault.mark), describe(fault)});
        Statement current, ahead;
        statements_.next(lexer_, current);
        while (current.kind != Statement::Kind::End) {
            gap(current.mark.offset);
            done_ = std::max(done_, end_of(current));
            if (current.kind == Statement::Kind::Words) {
                statements_.next(lexer_, ahead);
                words(current, ahead);
                std::swap(current, ahead);
                continue;
            }
            if (current.kind == Statement::Kind::Open)
                open();
            else
                close();
            statements_.next(lexer_, current);
        }
        gap(snapshot_.text().size());
        while (frames_.size() > 1) leave();
        return {std::move(frames_[0].item.children), std::move(comments_)};
    }

private:
    struct Frame {
        Block block = Block::Root;
        const KeywordSpec* row = nullptr;
        TomlItem item;
        std::uint32_t offset = 0;
    };

    static bool in_list(const Frame& frame) {
        return frame.row != nullptr && is_block(frame.row->args.takes) && frame.row->args.takes != Takes::Opens;
    }

    static std::size_t end_of(const Statement& s) {
        if (s.slash_comment.length != 0) return std::size_t{s.slash_comment.offset} + s.slash_comment.length;
        return std::size_t{s.mark.offset} + s.mark.length;
    }

    bool wants_argument(std::span<const Token> words) override {
        const Frame& frame = frames_.back();
        if (skip_depth_ != 0 || in_list(frame)) return false;
        const KeywordSpec* row = find_row(frame.block, words[0].text);
        return row != nullptr && words.size() <= row->args.words_min;
    }

    void found(const LexFinding& finding) override {
        if (finding.kind == LexFinding::Kind::LineTooLong || finding.kind == LexFinding::Kind::NulByte)
            lose(finding.mark, "a line that cannot be read");
    }

    void lose(Mark mark, std::string what) {
        comments_.push_back(fmt::format(" not converted: {}", what));
        lost_.push_back({snapshot_.place(mark), std::move(what)});
    }

    // ---- comments --------------------------------------------------------------------------------------------------

    // What lies before `to` and behind the last statement.
    void gap(std::size_t to) {
        std::string_view between = snapshot_.text().substr(done_, to > done_ ? to - done_ : 0);
        bool same_line = true;
        while (!between.empty()) {
            const std::size_t end = std::min(between.find('\n'), between.size());
            std::string_view text = trimmed(between.substr(0, end));
            if (statements_.file() != nullptr) text = comment_of(text);
            if (text.starts_with('#') || text.starts_with('!')) comment(text.substr(1), same_line);
            if (end < between.size()) same_line = false;
            between.remove_prefix(std::min(end + 1, between.size()));
        }
        if (!same_line) last_ = nullptr;
    }

    // Of a line that is not read.
    static std::string_view comment_of(std::string_view line) {
        bool quoted = false;
        for (std::size_t i = 0; i < line.size(); ++i) {
            if (line[i] == '"') quoted = !quoted;
            if (!quoted && (line[i] == '#' || line[i] == '!')) return line.substr(i);
        }
        return {};
    }

    void comment(std::string_view text, bool same_line) {
        if (skip_depth_ != 0) return;
        if (same_line && last_ != nullptr && last_->empty())
            *last_ = text;
        else
            comments_.emplace_back(text);
    }

    void slash_comment(const Statement& s) {
        if (s.slash_comment.length == 0) return;
        const std::string_view text =
            trimmed(snapshot_.text().substr(s.slash_comment.offset + 2, s.slash_comment.length - 2));
        comment(fmt::format(" {}", text), true);
    }

    // ---- blocks ----------------------------------------------------------------------------------------------------

    void open() {
        if (skip_depth_ != 0 || !std::exchange(enter_, false)) {
            ++skip_depth_;
            return;
        }
        frames_.push_back(std::move(opening_));
        last_ = &frames_.back().item.behind;
    }

    void close() {
        if (skip_depth_ != 0) {
            last_ = nullptr;
            --skip_depth_;
            return;
        }
        if (frames_.size() > 1) leave();
    }

    void leave() {
        Frame frame = std::move(frames_.back());
        frames_.pop_back();
        frame.item.at_end = std::exchange(comments_, {});
        auto& children = frames_.back().item.children;
        children.push_back(std::move(frame.item));
        last_ = &children.back().behind;  // taken, if a comment stood behind the opening brace
    }

    // ---- lines -----------------------------------------------------------------------------------------------------

    void words(const Statement& s, const Statement& ahead) {
        if (s.words.empty()) return slash_comment(s);
        last_ = nullptr;
        if (skip_depth_ != 0) return;
        const bool opens = ahead.kind == Statement::Kind::Open;
        Frame& frame = frames_.back();
        if (s.broken && !in_list(frame)) return lose(s.mark, "an open quote");
        if (in_list(frame)) {
            if (s.broken)
                lose(s.mark, "an open quote");
            else
                entry(s, frame);
        } else if (const KeywordSpec* row = stored_row(frame.block, s.words[0].text); row == nullptr) {
            const BraceFault* told = statements_.file() == nullptr ? nullptr : walked_.fault_at(s.mark.offset);
            if (told == nullptr || told->kind == BraceFault::Kind::UnknownBlock)
                lose(s.mark, fmt::format("unknown keyword {}", s.raw.substr(0, kMostShown)));
        } else if (s.words.size() - 1 < row->args.words_min) {
            lose(s.mark, fmt::format("{} without a value", row->name));
        } else if (is_block(row->args.takes)) {
            block(*row, s, opens);
        } else {
            keyword(*row, s);
        }
        slash_comment(s);
    }

    static std::vector<std::string> texts(const Statement& s, std::size_t first, std::size_t most) {
        std::vector<std::string> words;
        for (std::size_t i = first; i < s.words.size() && words.size() < most; ++i) words.emplace_back(s.words[i].text);
        return words;
    }

    // Each address as a text of its own; a line that has what is none as it is written.
    static std::vector<std::string> mail_texts(const Statement& s, std::size_t first) {
        const auto line = s.raw.substr(s.words[first].mark.offset - s.mark.offset);
        const MailAddresses read = mail_addresses(without_escapes(line));
        if (!read.problems.empty()) return {std::string{s.words.size() == first + 1 ? s.words[first].text : line}};
        std::vector<std::string> texts;
        for (const MailAddress& address : read.addresses) texts.push_back(to_text(address));
        return texts;
    }

    TomlItem begin(const KeywordSpec& row, const Statement& s) {
        TomlItem item{.row = &row};
        item.before = std::exchange(comments_, {});
        item.mark = s.words[0].mark;
        item.words = texts(s, 1, most_words(row));
        if (row.args.mail && row.args.takes == Takes::Word)
            item.words = {fmt::format("{}", fmt::join(mail_texts(s, 1), ", "))};
        return item;
    }

    void keyword(const KeywordSpec& row, const Statement& s) {
        TomlItem item = begin(row, s);
        item.accepted = accepted(row, s);
        if (row.args.takes == Takes::Command && !(s.words.size() < 2 && row.args.bare_is_allowed)) {
            item.command = read_command(scratch_, row, s);
            if (!item.command) {
                comments_ = std::move(item.before);
                return lose(s.mark, fmt::format("{} has no command", row.name));
            }
        }
        auto& children = frames_.back().item.children;
        children.push_back(std::move(item));
        last_ = &children.back().behind;
    }

    bool accepted(const KeywordSpec& row, const Statement& s) {
        Value value{.row = row, .statement = s};
        Section line;
        if (row.args.takes == Takes::Line) return read_line(scratch_, row, s, 1, row.args.opens, line);
        return read_value(scratch_, value);
    }

    void entry(const Statement& s, Frame& frame) {
        auto& entries = frame.item.entries;
        const bool items = frame.row->args.takes == Takes::Items;
        const auto words = frame.row->args.mail ? mail_texts(s, 0) : texts(s, 0, s.words.size());
        for (std::size_t i = 0; i < (items ? words.size() : 1); ++i) {
            TomlEntry entry;
            entry.words = items ? std::vector<std::string>{words[i]} : words;
            if (i == 0) entry.before = std::exchange(comments_, {});
            entries.push_back(std::move(entry));
        }
        last_ = &entries.back().behind;
    }

    void block(const KeywordSpec& row, const Statement& s, bool opens) {
        if (!opens) return lose(s.mark, fmt::format("{} without its block", row.name));
        const auto& siblings = frames_.back().item.children;
        if (row.begin == begin_members && std::ranges::find(siblings, &row, &TomlItem::row) != siblings.end())
            return lose(s.mark, fmt::format("a second block {}, whose members are not in the group", row.name));
        opening_ = Frame{row.args.opens, &row, begin(row, s), s.mark.offset};
        last_ = &opening_.item.behind;
        enter_ = true;
    }

    static constexpr std::size_t kMostShown = 60;

    const Snapshot& snapshot_;
    std::vector<Converted::Lost>& lost_;
    Environment nowhere_;
    ParseContext scratch_;
    std::vector<Frame> frames_;
    Frame opening_;
    bool enter_ = false;
    std::size_t skip_depth_ = 0, done_ = 0;
    std::vector<std::string> comments_;  // that stand on lines of their own, and belong to what comes next
    std::string* last_ = nullptr;        // where a comment on the line of the last statement goes
    WalkedFile walked_;
    WalkedStatements statements_;  // of it, where braces do not fit
    Lexer lexer_;
};

}  // namespace

TomlTree read_tree(const Snapshot& snapshot, std::vector<Converted::Lost>& lost) {
    return TreeReader{snapshot, lost}.run();
}

}  // namespace mainstay::config
