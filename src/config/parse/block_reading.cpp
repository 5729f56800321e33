#include "block_reading.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "config/schema/parse_context.hpp"
#include "parser.hpp"

namespace mainstay::config {
namespace {

// keepalived (2.2.7): which process acts on a block of the top level.
bool acts_on(Process process, Block block) {
    switch (block) {
        case Block::GlobalDefs:
            return process == Process::Main;
        case Block::Bfd:
            return process != Process::Main;
        case Block::TrackFile:
            return process == Process::Vrrp || process == Process::Checkers;
        case Block::Ssl:
        case Block::ServerGroup:
        case Block::Service:
            return process == Process::Checkers;
        default:
            return process == Process::Vrrp;
    }
}

// keepalived (2.2.7): the main process starts another one when it meets a block that needs it.
bool starts(Process process, Block block) {
    switch (process) {
        case Process::Bfd:
            return block == Block::Bfd;
        case Process::Checkers:
            return block == Block::Service;
        case Process::Vrrp:
            return block == Block::Instance || block == Block::StaticAddresses || block == Block::StaticRoutes ||
                   block == Block::StaticRules;
        case Process::Main:
            break;
    }
    return false;
}

constexpr std::size_t kFindingsMost = 2 * kMaxDiagnostics;

class BlockWalk final : Lexer::Listener {
public:
    BlockWalk(std::string_view text, Process process) : levels_(1), lexer_{text, *this} { reading_.process = process; }

    Reading run() {
        lexer_.next(*now_);
        while (now_->kind != Statement::Kind::End) {
            if (now_->kind == Statement::Kind::Words) {
                words();
                continue;
            }
            now_->kind == Statement::Kind::Open ? unexpected({}) : close();
            lexer_.next(*now_);
        }
        end();
        return std::move(reading_);
    }

private:
    struct Level {
        Block block = Block::Root;
        const KeywordSpec* row = nullptr;
        Mark opened;
        bool blamed = false;  // its missing } was found
        [[nodiscard]] bool is_list() const { return row != nullptr && config::is_list(row->args.takes); }
    };

    using Kind = BraceFault::Kind;
    using Step = WalkedFile::Step;

    bool wants_argument(std::span<const Token> words) override {
        if (skipping_ || levels_.back().is_list()) return false;
        const KeywordSpec* row = find_row(levels_.back().block, words[0].text);
        return row != nullptr && words.size() <= row->args.words_min;
    }
    void found(const LexFinding& /*finding*/) override {}  // told when the statement is read

    // ---- what is read ------------------------------------------------------------------------------------------

    void emit(std::uint32_t offset, Step step, bool written = true, bool unknown = false) {
        if (levels_.size() == 1 && step == Step::Line)
            reading_.parts.push_back({reading_.items.size(), 0, offset, unknown});
        reading_.items.push_back({offset, step, written, unknown});
        reading_.parts.back().to = reading_.items.size();
    }

    void find(Kind kind, Mark mark, std::string_view word = {}, const KeywordSpec* row = nullptr) {
        if (reading_.findings.size() >= kFindingsMost) return;
        reading_.findings.push_back({.fault = {kind, mark, word, row, levels_.back().row, {}, false},
                                     .until = UINT32_MAX,
                                     .depth = static_cast<std::uint32_t>(levels_.size() - 1),
                                     .process = reading_.process});
    }

    // ---- braces ------------------------------------------------------------------------------------------------

    // `silent`: the line before it has a message.
    void unexpected(std::string_view word, bool silent = false) {
        reading_.fits = false;
        ++braces_;
        ++surplus_;
        // keepalived (2.2.7): it is an entry like any other. Of an interface with that name the instance waits in vain.
        if (levels_.back().block == Block::TrackInterfaces) return emit(now_->mark.offset, Step::Line);
        if (std::exchange(just_opened_, false)) return find(Kind::OpenTwice, now_->mark, {}, levels_.back().row);
        if (covered_from_ != 0) return;
        covered_from_ = braces_;
        covering_ = SIZE_MAX;
        if (levels_.back().is_list())
            find(Kind::OpenInList, now_->mark);
        else
            find(Kind::OpenUnexpected, now_->mark, word);
        if (reading_.findings.size() < kFindingsMost) reading_.findings.back().silent = silent;
    }

    void close() {
        just_opened_ = false;
        if (braces_ != 0 && braces_-- == covered_from_) {
            covered_from_ = 0;
            if (covering_ < reading_.findings.size()) reading_.findings[covering_].until = now_->mark.offset;
        }
        if (levels_.size() > 1) {
            emit(now_->mark.offset, Step::Close);
            closed_one_ = true;
            just_closed_ = surplus_ == 0 ? levels_.back() : Level{};
            just_closed_.opened = now_->mark;
            levels_.pop_back();
            return;
        }
        reading_.fits = false;
        if (surplus_ != 0) {
            --surplus_;
            reading_.excused.push_back(now_->mark.offset);
            return;
        }
        find(Kind::CloseExtra, now_->mark, closed_one_ ? "}" : "");
    }

    void end() {
        const std::uint32_t offset = now_->mark.offset;
        if (levels_.size() > 1) reading_.fits = false;
        if (levels_.size() > 1 + missing_) {
            find(Kind::Unclosed, levels_.back().opened, {}, levels_.back().row);
            std::vector<const KeywordSpec*> also;
            for (std::size_t i = 1; i + 1 < levels_.size(); ++i) also.push_back(levels_[i].row);
            if (reading_.findings.size() < kFindingsMost) reading_.findings.back().fault.also = std::move(also);
        }
        while (levels_.size() > 1) {
            emit(offset, Step::Close, false);
            levels_.pop_back();
        }
    }

    // ---- lines -------------------------------------------------------------------------------------------------

    void advance() {
        std::swap(now_, ahead_);
        just_opened_ = false;
    }

    // The line at now_, and what belongs to it.
    void words() {
        lexer_.next(*ahead_);
        const Statement& s = *now_;
        const bool opens = ahead_->kind == Statement::Kind::Open;
        const bool top = levels_.size() == 1;
        if (s.words.empty()) {
            if (!top || reading_.process == Process::Main) emit(s.mark.offset, Step::Line);
            return advance();
        }
        if (levels_.back().is_list()) return entry(opens);
        const KeywordSpec* row = s.broken ? nullptr : find_row(levels_.back().block, s.words[0].text);
        if (row == nullptr) return unknown(opens);
        just_closed_ = {};
        if (!is_block(row->args.takes)) {
            if (!top || reading_.process == Process::Main) emit(s.mark.offset, Step::Line);
            const std::string_view word = s.words[0].text;
            const bool told = lacks_word(*row, s) && (!top || reading_.process == Process::Main);
            if (told && row->missing == Missing::Stops) reading_.stops = true;
            advance();
            if (!opens) return;
            unexpected(word, told);
            lexer_.next(*now_);
            return;
        }
        if (top && !acts_on(reading_.process, row->args.opens)) {
            for (const Process other : kProcesses)
                if (starts(other, row->args.opens)) reading_.started.insert(other);
            return (void)pass_over(opens);
        }
        emit(s.mark.offset, Step::Line);
        if (s.words.size() - 1 < row->args.words_min) {
            reading_.stops = true;
            return (void)pass_over(opens);
        }
        if (!opens) {
            reading_.fits = false;
            find(Kind::OpenMissing, s.mark, {}, row);
            ++missing_;
        }
        if (is_refused(*row, s)) return refuse(*row, opens);
        enter(*row, opens);
    }

    // A line of a list. One that opens a block of an outer level, and what follows it, is none.
    void entry(bool opens) {
        const Statement& s = *now_;
        Level& list = levels_.back();
        const bool keyword = !s.broken && !list.row->args.mail && outer_knows(s.words[0].text);
        if (keyword && opens && !list.blamed) {
            find_missing(s);
            list.blamed = true;
        }
        const bool lost = list.blamed && !s.broken && !list.row->args.mail && home_of(s.words[0].text) != Block::None;
        if (!lost) emit(s.mark.offset, Step::Line);
        advance();
        if (!lost || !opens) return;
        reading_.fits = false;
        ++braces_;
        ++surplus_;
        lexer_.next(*now_);
    }

    void find_missing(const Statement& s) {
        const Level& level = levels_.back();
        find(Kind::CloseMissing, s.words[0].mark, s.words[0].text, level.row);
        if (reading_.findings.size() >= kFindingsMost) return;
        BraceFault& fault = reading_.findings.back().fault;
        fault.opened = level.opened;
        for (std::size_t i = levels_.size() - 1; i-- > 0;) {
            if (find_row(levels_[i].block, fault.word) == nullptr) continue;
            if (levels_[i].row != nullptr) fault.also.push_back(levels_[i].row);
            break;
        }
    }

    void enter(const KeywordSpec& row, bool opens) {
        const Level level{.block = row.args.opens, .row = &row, .opened = now_->words[0].mark};
        emit(opens ? ahead_->mark.offset : now_->mark.offset, Step::Open, opens);
        levels_.push_back(level);
        advance();
        if (!opens) return;
        ++braces_;
        just_opened_ = true;
        lexer_.next(*now_);
    }

    void refuse(const KeywordSpec& row, bool opens) {
        if (!opens) return (void)pass_over(false);
        const Mark opened = now_->words[0].mark;
        emit(ahead_->mark.offset, Step::Open);
        if (!pass_over(true)) {
            reading_.fits = false;
            find(Kind::Unclosed, opened, {}, &row);
        }
        emit(passed_to_, Step::Close, false);
    }

    // The line at now_ and, if it opens one, the block behind it, by counting braces.
    // False: the block is not closed.
    bool pass_over(bool opens) {
        advance();
        if (!opens) return true;
        closed_one_ = true;
        skipping_ = true;
        std::size_t depth = 1;
        while (depth != 0 && lexer_.next(*now_)) {
            if (now_->kind == Statement::Kind::Open) ++depth;
            if (now_->kind == Statement::Kind::Close) --depth;
        }
        skipping_ = false;
        passed_to_ = now_->mark.offset;
        lexer_.next(*now_);
        return depth == 0;
    }

    // keepalived: a second block of the same name, or a server without an address, is passed over.
    bool is_refused(const KeywordSpec& row, const Statement& s) {
        switch (row.args.opens) {
            case Block::Instance:
                return s.words.size() != 2 || !names_.emplace("i " + std::string{s.words[1].text}).second;
            case Block::SyncGroup:
                return s.words.size() != 2 || !names_.emplace("g " + std::string{s.words[1].text}).second;
            case Block::Service:
                if (s.words[1].text == "group") return s.words.size() < 3;
                if (s.words[1].text == "fwmark")
                    return s.words.size() < 3 || !whole_number(s.words[2].text, 1, args::kMost32);
                return !is_address(s);
            case Block::RealServer:
                return (row.name == "real_server" || row.name == "sorry_server") && !is_address(s);
            default:
                return false;
        }
    }

    static bool is_address(const Statement& s) {
        return IpAddress::parse(s.words[1].text.substr(0, s.words[1].text.find('/'))).has_value();
    }

    void unknown(bool opens) {
        const Statement& s = *now_;
        const std::string_view word = s.words[0].text;
        const bool outer = !s.broken && levels_.size() > 1 && outer_knows(word);
        Level& level = levels_.back();
        const Level closed = std::exchange(just_closed_, {});
        const bool early = !outer && !s.broken && closed.row != nullptr && !closed.is_list() &&
                           find_row(closed.block, word) != nullptr;
        if (early) {
            find(Kind::CloseEarly, closed.opened, word, closed.row);
            ++surplus_;
        } else if (outer) {
            if (!level.blamed) {
                find_missing(s);
                if (!opens) ++missing_;
            }
            if (opens && covered_from_ == 0) {
                covered_from_ = braces_ + 1;
                covering_ = SIZE_MAX;
            }
            level.blamed = true;
        } else if (!s.broken) {
            report_unknown(opens);
        }
        const bool broken = s.broken;
        emit(s.mark.offset, Step::Line, true, !broken);
        advance();
        if (!opens) return;
        if (broken) {
            unexpected({}, true);
        } else {
            reading_.fits = false;
            ++braces_;
            ++surplus_;
        }
        lexer_.next(*now_);
    }

    void report_unknown(bool opens) {
        const Statement& s = *now_;
        const std::string_view word = s.words[0].text;
        const bool full = reading_.findings.size() >= kFindingsMost;
        // What is in an unknown block is worth a word of its own only where it is misspelt.
        const bool covered = covered_from_ != 0 && (full || nearest_keyword(levels_.back().block, word).empty());
        if (opens && covered_from_ == 0) {
            covered_from_ = braces_ + 1;
            covering_ = covered || full ? SIZE_MAX : reading_.findings.size();
        }
        if (covered || full) return;
        find(Kind::UnknownBlock, s.mark);
        reading_.findings.back().line = !opens;
        reading_.findings.back().homed = home_of(word) != Block::None;
    }

    [[nodiscard]] bool outer_knows(std::string_view word) const {
        return std::any_of(levels_.begin(), std::prev(levels_.end()),
                           [&](const Level& outer) { return find_row(outer.block, word) != nullptr; });
    }

    Reading reading_;
    std::vector<Level> levels_;
    Statement one_, two_;
    Statement *now_ = &one_, *ahead_ = &two_;
    std::set<std::string> names_;
    bool skipping_ = false;
    std::size_t surplus_ = 0;          // { that were ignored: as many } will be too many
    std::size_t missing_ = 0;          // } that were found missing
    std::size_t braces_ = 0;           // { that were met and not closed, wherever they belong
    std::size_t covered_from_ = 0;     // of them, the one of an unknown block; 0: in none
    std::size_t covering_ = SIZE_MAX;  // its finding
    std::uint32_t passed_to_ = 0;
    bool just_opened_ = false;  // the last statement was the { of a block
    bool closed_one_ = false;   // of the blocks
    Level just_closed_;         // by the last }, at `opened`; no row: something else came since
    Lexer lexer_;               // last: it calls back into this object from its constructor
};

}  // namespace

Reading walk_as(Process process, std::string_view text) { return BlockWalk{text, process}.run(); }

}  // namespace mainstay::config
