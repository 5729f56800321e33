
#include <algorithm>
#include <utility>

#include "config/schema/parse_context.hpp"
#include "parser.hpp"

namespace mainstay::config {
namespace {

constexpr int kNoColumn = -1;
constexpr int kTabStop = 8;
constexpr std::size_t kMostClosers = 64;
constexpr std::size_t kMostLevels = 64;  // what is deeper is not looked at

// Two ways to read a keyword of an outer block: the block around it ended before it, or it was put into a wrong one.
struct Ways {
    bool by_indentation = true;
    bool misplaced = false;
};

class IntendedWalk final : Lexer::Listener {
public:
    IntendedWalk(std::string_view text, Ways ways) : text_{text}, ways_{ways}, levels_(1), lexer_{text, *this} {}

    // The number of mistakes, of which `intended` has the first ones. With `too_many` of them it is not complete.
    std::size_t run(Intended& intended, std::size_t too_many) {
        lexer_.next(*now_);
        while (now_->kind != Statement::Kind::End && count_ < too_many) {
            if (now_->kind == Statement::Kind::Words) {
                words();
                continue;
            }
            now_->kind == Statement::Kind::Open ? unexpected() : close();
            step();
        }
        end();
        std::ranges::stable_sort(mistakes_, {}, [](const BraceFault& m) { return m.mark.offset; });
        intended.file.text = text_;
        intended.file.items = std::move(items_);
        intended.file.meant = std::move(meant_);
        intended.mistakes = std::move(mistakes_);
        return count_;
    }

private:
    using Kind = BraceFault::Kind;
    using Step = WalkedFile::Step;

    struct Level {
        Block block = Block::Root;
        const KeywordSpec* row = nullptr;
        Mark opened;
        int indent = kNoColumn,
            body = kNoColumn;  // columns of its keyword and its first line; kNoColumn: not the first of a line
        bool empty = true;
        bool unopened = false;            // its { is missing
        bool transparent = false;         // an unknown block around known ones
        bool skipped = false;             // a block that does not belong here
        bool undecided = false;           // its first line may belong around it; then it is transparent
        std::size_t reopened = SIZE_MAX;  // the mistake whose } was not to close it
        [[nodiscard]] bool is_list() const { return row != nullptr && config::is_list(row->args.takes); }
    };
    struct Closer {  // a }, with the level that it closed
        Mark mark;
        Level level;
        bool odd = false;  // it does not stand below its keyword
    };

    bool wants_argument(std::span<const Token> words) override {
        const Level& top = levels_.back();
        if (top.skipped || top.is_list()) return false;
        const KeywordSpec* row = find_row(top.block, words[0].text);
        return row != nullptr && words.size() <= row->args.words_min;
    }
    void found(const LexFinding& /*finding*/) override {}

    // ---- what is read ------------------------------------------------------------------------------------------

    void emit(std::uint32_t offset, Step step, bool written = true) {
        items_.push_back({.offset = offset, .step = step, .written = written});
    }

    // Null where it is one too many to be kept.
    BraceFault* add(Kind kind, Mark mark, std::string_view word = {}, const KeywordSpec* row = nullptr) {
        ++count_;
        if (mistakes_.size() >= kMaxDiagnostics) return nullptr;
        return &mistakes_.emplace_back(BraceFault{
            .kind = kind, .mark = mark, .word = word, .row = row, .level = levels_.back().row, .after = previous_});
    }

    void step() {
        previous_ = now_->mark;
        lexer_.next(*now_);
    }
    void advance() {
        previous_ = now_->mark;
        std::swap(now_, ahead_);
        just_opened_ = many_ = false;
    }

    // The column of what begins a line. Of ascending offsets.
    int indent_of(std::uint32_t offset) {
        if (offset >= line_end_) begin_line(offset);
        return offset == first_in_line_ ? column_ : kNoColumn;
    }

    void begin_line(std::uint32_t offset) {
        std::size_t at = line_end_;
        while (line_end_ <= offset) {
            at = line_end_;
            line_end_ = std::min(text_.find('\n', at), text_.size()) + 1;
        }
        for (column_ = 0; at < text_.size() && (text_[at] == '\t' || text_[at] == ' '); ++at)
            column_ += text_[at] == '\t' ? kTabStop - column_ % kTabStop : 1;
        first_in_line_ = at;
    }

    [[nodiscard]] bool outer_knows(std::string_view word) const {
        return std::any_of(levels_.begin(), std::prev(levels_.end()), [&](const Level& outer) {
            return !outer.skipped && !outer.is_list() && find_row(outer.block, word) != nullptr;
        });
    }

    // ---- a } that is missing -------------------------------------------------------------------------------------

    void leave_unclosed(std::uint32_t offset) {
        const Level level = std::move(levels_.back());
        levels_.pop_back();
        if (level.skipped || level.transparent) return;
        emit(offset, Step::Close, false);
        if (level.unopened && level.empty) {  // its own message is enough
            if (unopened_ != 0) --unopened_;
            return;
        }
        if (level.reopened < mistakes_.size()) return close_here(mistakes_[level.reopened]);
        if (std::exchange(unopened_, unopened_ == 0 ? 0 : unopened_ - 1) != 0) return;
        const bool goes_on = count_ != 0 && missing_at_ == offset;
        missing_at_ = offset;
        if (goes_on) {
            ++count_;
            if (!mistakes_.empty() && mistakes_.back().kind == Kind::CloseMissing)
                mistakes_.back().also.push_back(level.row);
            return;
        }
        BraceFault* fault = add(Kind::CloseMissing, now_->mark, {}, level.row);
        if (fault != nullptr) fault->opened = level.opened;
    }

    // The } that closed a block too early should stand here.
    void close_here(BraceFault& early) const {
        early.after = previous_;
        early.paired = true;
    }

    // The line at `at` is not of the innermost block.
    [[nodiscard]] bool has_ended(int at, std::string_view word, bool opens) const {
        const Level& top = levels_.back();
        if (levels_.size() == 1 || top.skipped || !outer_knows(word)) return false;
        const bool mail = top.is_list() && top.row->args.mail;
        const bool foreign = top.is_list() ? opens && !mail : find_row(top.block, word) == nullptr;
        if (foreign && !ways_.misplaced) return true;
        if (!ways_.by_indentation || at == kNoColumn || top.indent == kNoColumn || at > top.indent) return false;
        return top.body > top.indent || (top.unopened && top.empty);
    }

    // ---- a } too many --------------------------------------------------------------------------------------------

    // The line at `at` belongs in a block that was closed just before it.
    [[nodiscard]] bool was_closed_early(int at, std::string_view word) const {
        if (closers_.empty()) return false;
        const Closer& last = closers_.back();
        if (last.level.row == nullptr || last.level.is_list() || find_row(last.level.block, word) == nullptr)
            return false;
        if (find_row(levels_.back().block, word) == nullptr) return true;
        return ways_.by_indentation && last.odd && at != kNoColumn && at == last.level.body &&
               at > levels_.back().indent;
    }

    void reopen(std::string_view word) {
        Closer last = std::move(closers_.back());
        closers_.pop_back();
        items_.pop_back();
        if (surplus_ != 0) {
            take_back_surplus();
        } else {
            const auto odd = std::ranges::find_if(closers_, &Closer::odd);
            const BraceFault* fault = odd == closers_.end() ? add(Kind::CloseEarly, last.mark, word, last.level.row)
                                                            : add(Kind::CloseEarly, odd->mark, {}, odd->level.row);
            last.level.reopened = fault == nullptr ? SIZE_MAX : mistakes_.size() - 1;
        }
        levels_.push_back(std::move(last.level));
    }

    void close() {
        just_opened_ = many_ = false;
        const int at = indent_of(now_->mark.offset);
        while (levels_.size() > 1 && ends_before(at)) leave_unclosed(now_->mark.offset);
        if (levels_.size() == 1) return close_extra(at);
        Level level = std::move(levels_.back());
        levels_.pop_back();
        last_word_ = {};
        if (levels_.size() == 1) unopened_ = 0;
        if (level.skipped || level.transparent) return closers_.clear();
        emit(now_->mark.offset, Step::Close);
        const bool odd = at != kNoColumn && level.indent != kNoColumn && at != level.indent;
        closers_.push_back({now_->mark, std::move(level), odd});
    }

    // The } at this column closes a block around the innermost one.
    [[nodiscard]] bool ends_before(int at) const {
        const Level& top = levels_.back();
        if (!ways_.by_indentation || at == kNoColumn || top.indent <= at) return false;
        return std::any_of(levels_.begin() + 1, std::prev(levels_.end()),
                           [at](const Level& outer) { return outer.indent == at; });
    }

    void close_extra(int at) {
        if (surplus_ != 0) return take_back_surplus();
        const auto odd = std::ranges::find_if(closers_, &Closer::odd);
        if (odd != closers_.end()) {
            (void)add(Kind::CloseEarly, odd->mark, {}, odd->level.row);
            odd->odd = false;
        } else {
            (void)add(Kind::CloseExtra, now_->mark, closed_one_ || !closers_.empty() ? "}" : "");
        }
        if (closers_.size() > kMostClosers) closers_.clear();
        closers_.push_back({now_->mark, {}, at > 0});
    }

    // ---- a { too many --------------------------------------------------------------------------------------------

    void unexpected() {
        if (levels_.back().skipped) {
            levels_.push_back({.skipped = true});
            return;
        }
        ++surplus_;
        closers_.clear();
        if (std::exchange(many_, true)) return;  // a row of them is one mistake
        const Level& top = levels_.back();
        if (std::exchange(just_opened_, false))
            (void)add(Kind::OpenTwice, now_->mark, {}, top.row);
        else if (top.is_list())
            (void)add(Kind::OpenInList, now_->mark);
        else
            (void)add(Kind::OpenUnexpected, now_->mark, std::exchange(last_word_, {}));
    }

    // The } of the last { that is too many.
    void take_back_surplus() {
        --surplus_;
        for (auto fault = mistakes_.rbegin(); fault != mistakes_.rend(); ++fault) {
            const bool open = fault->kind == Kind::OpenUnexpected || fault->kind == Kind::OpenInList ||
                              fault->kind == Kind::OpenTwice;
            if (open && !std::exchange(fault->paired, true)) return;
        }
    }

    // ---- lines ---------------------------------------------------------------------------------------------------

    void words() {
        lexer_.next(*ahead_);
        const Statement& s = *now_;
        const bool opens = ahead_->kind == Statement::Kind::Open;
        if (Level& unknown = levels_.back(); std::exchange(unknown.undecided, false) && !s.words.empty()) {
            unknown.transparent = find_row(unknown.block, s.words[0].text) != nullptr;
            unknown.skipped = !unknown.transparent;
        }
        if (levels_.back().skipped) return advance();
        if (s.words.empty()) {
            emit(s.mark.offset, Step::Line);
            return advance();
        }
        const std::string_view word = s.words[0].text;
        const int at = indent_of(s.mark.offset);
        if (!s.broken) {
            for (; has_ended(at, word, opens); closers_.clear()) leave_unclosed(s.mark.offset);
            while (was_closed_early(at, word)) reopen(word);
        }
        if (!closers_.empty()) closed_one_ = true;
        closers_.clear();
        Level& top = levels_.back();
        if (std::exchange(top.empty, false)) top.body = at;
        const KeywordSpec* row = top.is_list() ? nullptr : find_row(top.block, word);
        last_word_ = word;
        if (row != nullptr && is_block(row->args.takes)) return block(*row, at, opens, nullptr);
        if (row == nullptr && !top.is_list() && !s.broken) return opens ? unknown_block(at) : unknown_line();
        const bool lacking = row != nullptr && lacks_word(*row, s);
        if (s.broken || lacking) (void)add(Kind::UnknownBlock, s.mark);
        emit(s.mark.offset, Step::Line);
        advance();
        many_ = lacking;  // a { in place of the word is no mistake of its own
    }

    void block(const KeywordSpec& row, int at, bool opens, const KeywordSpec* meant) {
        const Statement& s = *now_;
        emit(s.mark.offset, Step::Line);
        if (meant != nullptr) meant_.emplace_back(s.mark.offset, meant);
        Level level{.block = row.args.opens, .row = &row, .opened = s.words[0].mark, .indent = at};
        if (s.words.size() - 1 < row.args.words_min) {  // told as such
            level = {.skipped = true};
            if (!opens) return advance();
        } else if (!opens) {
            level.unopened = !s.broken;  // an open quote takes the { with it
            unopened_ += level.unopened ? 1 : 0;
            if (s.broken)
                (void)add(Kind::UnknownBlock, s.mark);
            else
                (void)add(Kind::OpenMissing, s.mark, {}, &row);
        }
        if (!level.skipped) emit(opens ? ahead_->mark.offset : s.mark.offset, Step::Open, opens);
        if (!level.skipped && level.is_list() && !opens && s.words.size() > row.args.words_max + 1U)
            emit(s.words[row.args.words_max + 1U].mark.offset, Step::Line);  // an entry
        levels_.push_back(std::move(level));
        enter(opens);
    }

    void enter(bool opens) {
        advance();
        if (!opens) return;
        just_opened_ = !levels_.back().skipped && !levels_.back().transparent;
        step();
    }

    // Null: none is near.
    [[nodiscard]] const KeywordSpec* meant_by(const Statement& s) const {
        if (outer_knows(s.words[0].text)) return nullptr;
        const std::string_view near = nearest_to(s, levels_.back().block);
        return near.empty() ? nullptr : find_row(levels_.back().block, near);
    }

    void unknown_line() {
        const Statement& s = *now_;
        (void)add(Kind::UnknownBlock, s.mark);
        if (const KeywordSpec* meant = meant_by(s); meant != nullptr && !is_block(meant->args.takes))
            meant_.emplace_back(s.mark.offset, meant);
        emit(s.mark.offset, Step::Line);
        advance();
    }

    void unknown_block(int at) {
        const Statement& s = *now_;
        const std::string_view word = s.words[0].text;
        const KeywordSpec* meant = meant_by(s);
        const bool is_meant = meant != nullptr && is_block(meant->args.takes);
        (void)add(Kind::UnknownBlock, s.mark, {}, is_meant ? meant : nullptr);
        if (is_meant) return block(*meant, at, true, meant);
        Level level{.block = levels_.back().block, .row = levels_.back().row, .indent = at};
        level.undecided = home_of(word) != Block::None && levels_.size() < kMostLevels;
        level.skipped = level.undecided || levels_.size() >= kMostLevels;
        level.transparent = !level.skipped;
        levels_.push_back(std::move(level));
        enter(true);
    }

    void end() {
        const std::uint32_t offset = now_->mark.offset;
        const BraceFault* told = nullptr;
        while (levels_.size() > 1) {
            const Level level = std::move(levels_.back());
            levels_.pop_back();
            if (level.skipped) ++count_;  // nothing was read after it
            if (level.skipped || level.transparent) continue;
            emit(offset, Step::Close, false);
            if (level.unopened && level.empty) continue;
            if (unopened_ != 0) {
                --unopened_;
            } else if (level.reopened < mistakes_.size()) {
                close_here(mistakes_[level.reopened]);
            } else if (told == nullptr) {
                BraceFault* fault = add(Kind::Unclosed, level.opened, {}, level.row);
                if (fault != nullptr) fault->opened = level.opened;
                told = fault;
            } else {
                ++count_;
                mistakes_.back().also.push_back(level.row);
            }
        }
    }

    std::string_view text_;
    Ways ways_;
    std::vector<WalkedFile::Item> items_;
    std::vector<std::pair<std::uint32_t, const KeywordSpec*>> meant_;
    std::vector<BraceFault> mistakes_;
    std::size_t count_ = 0;
    std::vector<Level> levels_;
    std::vector<Closer> closers_;                   // the } since the last line
    std::size_t line_end_ = 0, first_in_line_ = 0;  // line_end_: where the next one begins
    int column_ = 0;                                // of first_in_line_
    std::uint32_t missing_at_ = UINT32_MAX;
    std::size_t unopened_ = 0;  // { that are missing in this block of the top level, whose } may be, too
    std::size_t surplus_ = 0;   // { that are too many, whose } was not met yet
    Statement one_, two_;
    Statement *now_ = &one_, *ahead_ = &two_;
    Mark previous_;
    std::string_view last_word_;
    bool just_opened_ = false, closed_one_ = false;
    bool many_ = false;  // the statement before was a { too many
    Lexer lexer_;        // last: it calls back into this object from its constructor
};

}  // namespace

Intended read_as_intended(std::string_view text) {
    constexpr Ways kWays[]{
        {}, {.by_indentation = false}, {.misplaced = true}, {.by_indentation = false, .misplaced = true}};
    Intended best;
    std::size_t fewest = kMaxDiagnostics;
    for (const Ways& ways : kWays) {
        Intended intended;
        const std::size_t count = IntendedWalk{text, ways}.run(intended, fewest);
        if (count >= fewest) continue;
        fewest = count;
        best = std::move(intended);
        best.known = true;
    }
    return best;
}

}  // namespace mainstay::config
