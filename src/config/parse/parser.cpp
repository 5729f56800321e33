// Applies the schema to the statements. There is no function per keyword: a row describes its words and what to set.
// This file handles only blocks, braces and diagnostics about them.
#include <algorithm>
#include <utility>

#include "common_mistakes.hpp"
#include "config/schema/value_store.hpp"
#include "config/validate/bfd.hpp"
#include "config/validate/checkers.hpp"
#include "config/validate/incomplete.hpp"
#include "line_grammar.hpp"
#include "parse_context.hpp"
#include "passed_over.hpp"
#include "unknown.hpp"

namespace mainstay::config {
namespace {

struct Frame {
    Block block = Block::Root;
    const KeywordSpec* row = nullptr;  // that opened it; null for the root
    Mark opened;                       // the keyword
    WordList names;                    // between the keyword and the {
    std::size_t items = 0;
    bool blamed = false;     // its closing brace was already reported missing
    std::size_t blame = 0;   // the diagnostic that did
    bool braceless = false;  // its { is missing, which was reported
    Store store;             // for values without a setter
};

class Parser final : Lexer::Listener {
public:
    Parser(ParseContext& reading, std::string_view text)
        : r_{reading}, frames_(1), unknowns_{reading}, passed_{reading}, lexer_{text, *this} {
        frames_[0].store = Store{r_.more};
    }

    void run() {
        Statement one, two;
        Statement *current = &one, *ahead = &two;
        lexer_.next(*current);
        while (current->kind != Statement::Kind::End) {
            if (current->kind == Statement::Kind::Words) {
                lexer_.next(*ahead);
                words(*current, *ahead);
                std::swap(current, ahead);
                continue;
            }
            if (current->kind == Statement::Kind::Open)
                open(*current);
            else
                close(*current);
            lexer_.next(*current);
        }
        end();
    }

private:
    bool wants_argument(std::span<const Token> words) override {
        if (skip_depth_ != 0) return false;
        const Frame& frame = frames_.back();
        if (in_list(frame)) return false;
        const KeywordSpec* row = find_row(frame.block, words[0].text);
        return row != nullptr && words.size() <= row->args.words_min;
    }

    void found(const LexFinding& finding) override { report_finding(r_.diag, finding); }

    static bool in_list(const Frame& frame) {
        return frame.row != nullptr &&
               (frame.row->args.takes == Takes::Entries || frame.row->args.takes == Takes::Items);
    }

    // ---- braces ------------------------------------------------------------------------------------------------

    void open(const Statement& brace) {
        if (skip_depth_ != 0) {
            ++skip_depth_;
            return passed_.open();
        }
        switch (std::exchange(next_brace_, Brace::Unexpected)) {
            case Brace::Enter:
                enter(std::move(opening_));
                return;
            case Brace::LookInside:
                if (looking_inside_++ == 0) skipped_from_ = brace.mark.offset;
                return passed_.open();
            case Brace::Skip:
                break;
            case Brace::Unexpected: {
                auto& d = r_.diag.error(Code::UnexpectedBlock, brace.mark,
                                        "this { does not follow a keyword that opens a block");
                d.effect = "ignored up to its closing brace";
                skip_mark_ = {};
                passed_.announce(r_.diag.last());
            }
        }
        passed_.open();
        skip_depth_ = 1;
        skipped_from_ = brace.mark.offset;
    }

    void enter(Frame frame) {
        if (CompactOptional<ExtraSettings>* more = more_of(r_, frame.block); more != nullptr)
            frame.store = Store{*more};
        frames_.push_back(std::move(frame));
        if (!frames_.back().names.empty()) (void)store();  // its name is worth keeping
    }

    // The store of the innermost block. Sections of blocks without a struct are created when needed.
    Store& store() {
        std::size_t i = frames_.size() - 1;
        while (!frames_[i].store.made()) --i;
        for (++i; i < frames_.size(); ++i) frames_[i].store = Store{section_of(frames_[i], frames_[i - 1])};
        return frames_.back().store;
    }

    // A second unnamed block continues the first one.
    static Section& section_of(const Frame& frame, Frame& outer) {
        auto& sections = outer.store.sections();
        // A deprecated name means the same as its successor.
        const bool renamed = find_row(outer.block, frame.row->deprecated) != nullptr;
        const std::string_view keyword = renamed ? frame.row->deprecated : frame.row->name;
        if (frame.names.empty() && frame.row->repeat != Repeat::Accumulates)
            for (Section& section : sections)
                if (section.keyword == keyword) return section;
        return add_section(sections, {.keyword = std::string{keyword}, .names = frame.names});
    }

    void close(const Statement& brace) {
        if (skip_depth_ != 0) {
            if (--skip_depth_ == 0) skipped_up_to(brace.mark.offset);
            return passed_.close();
        }
        if (frames_.size() == 1 && looking_inside_ != 0) {
            if (--looking_inside_ == 0) skipped_up_to(brace.mark.offset);
            return passed_.close();
        }
        if (frames_.size() == 1) {
            auto& d = r_.diag.error(Code::ExtraCloseBrace, brace.mark, "this } has no matching {");
            d.effect = "it is ignored";
            d.fix = last_closed_.length != 0 ? "the block before it was closed already; delete one of the two" : "";
            return;
        }
        last_closed_ = brace.mark;
        leave();
        if (frames_.size() == 1) skipped_from_ = brace.mark.offset + 1;  // where an unknown block goes on
    }

    void skipped_up_to(std::uint32_t offset) {
        r_.skipped.push_back({skipped_from_, offset - skipped_from_});
        skipped_from_ = offset + 1;
    }

    void leave() {
        const Frame& frame = frames_.back();
        if (frame.block == Block::NotificationEmail && frame.items == 0) {
            r_.diag.warn(Code::EmptyBlock, frame.opened, "notification_email is empty").effect = "no mail is sent";
        }
        switch (frame.block) {
            case Block::Bfd:
                check_bfd(r_, frame.names.empty() ? "" : frame.names.front(), frame.opened, store().values());
                break;
            case Block::TrackFile:
            case Block::TrackProcess:
            case Block::GarpGroup:
                check_complete(r_, frame.block, frame.opened, store().values());
                break;
            case Block::Script:
                r_.script = nullptr;
                break;
            case Block::Instance:
                r_.instance = nullptr;
                break;
            case Block::SyncGroup:
                r_.group = nullptr;
                break;
            case Block::Service:
                r_.service = nullptr;
                settle_service(r_);
                break;
            case Block::RealServer:
                r_.server = nullptr;
                break;
            case Block::HttpUrl:
            case Block::SslUrl:
                check_pattern(r_);
                r_.url = nullptr;
                break;
            default:
                if (parent_of(frame.block) == Block::RealServer) r_.checker = nullptr;
        }
        frames_.pop_back();
    }

    void end() {
        const bool skipping = skip_depth_ != 0;
        if (skipping && skip_mark_.length != 0)
            r_.diag.error(Code::MissingCloseBrace, skip_mark_, "this block is not closed: its } is missing").effect =
                "everything up to the end of the file is ignored";
        if (frames_.size() > 1 + missing_reported_ && !skipping && !frames_.back().braceless) {
            std::string also;
            for (std::size_t i = 1; i + 1 < frames_.size(); ++i)
                also += fmt::format("{}{}", also.empty() ? "" : ", ", frames_[i].row->name);
            auto& d = r_.diag.error(
                Code::MissingCloseBrace, frames_.back().opened,
                fmt::format("{} is not closed: its }} is missing at the end of the file", frames_.back().row->name));
            d.effect = "the block ends at the end of the file, and is used";
            d.fix = also.empty() ? "add a line with }" : fmt::format("not closed either: {}", also);
        }
        if (looking_inside_ != 0)
            r_.diag.error(Code::MissingCloseBrace, unknown_mark_, "this block is not closed: its } is missing").effect =
                "it ends at the end of the file";
        while (frames_.size() > 1) leave();
        passed_.report();
    }

    // ---- lines -------------------------------------------------------------------------------------------------

    void words(const Statement& s, const Statement& ahead) {
        const bool opens = ahead.kind == Statement::Kind::Open;
        if (skip_depth_ != 0) return passed_.words(s, opens);
        unknowns_.next_line();
        Frame& frame = frames_.back();
        if (s.slash_comment.length != 0) slash_comment(s, frame);
        if (opens) skip_next(s.words.empty() ? s.mark : s.words[0].mark);  // unless the block is known, below
        if (s.words.empty()) return;
        if (looking_inside_ != 0 && frames_.size() == 1) return inside_unknown(s, ahead);
        if (in_list(frame)) {
            if (!s.broken) list(s, frame);
            if (opens) stray_block(s, ahead);
            return;
        }
        if (s.broken) return broken(s);
        const KeywordSpec* row = find_row(frame.block, s.words[0].text);
        if (row == nullptr) return unknown(s, opens, frame);
        if (is_block(row->args.takes)) return block(*row, s, ahead);
        if (missing_word(*row, s)) return;
        keyword(*row, s);
        if (opens) stray_block(s, ahead);
    }

    // keepalived sees only the braces of an unknown block: a known top-level block in it is used.
    void inside_unknown(const Statement& s, const Statement& ahead) {
        const KeywordSpec* row = s.broken ? nullptr : find_row(Block::Root, s.words[0].text);
        const bool opens = ahead.kind == Statement::Kind::Open;
        if (row == nullptr || !opens || !is_block(row->args.takes) || s.words.size() <= row->args.words_min) {
            passed_.words(s, opens);
            if (opens) next_brace_ = Brace::LookInside;
            return;
        }
        skipped_up_to(s.mark.offset);
        passed_.something_is_read();
        block(*row, s, ahead);
    }

    void broken(const Statement& s) {
        const auto& entries = r_.diag.entries();
        const auto reported = std::ranges::find_if(entries, [&](const Diagnoser::Entry& entry) {
            return entry.mark.offset >= s.mark.offset &&
                   entry.diagnostic.code == static_cast<std::uint16_t>(Code::UnterminatedQuote);
        });
        const KeywordSpec* row = find_row(frames_.back().block, s.words[0].text);
        if (row != nullptr) attempted(row->name, static_cast<std::size_t>(reported - entries.begin()));
    }

    void skip_next(Mark mark) {
        next_brace_ = Brace::Skip;
        skip_mark_ = mark;
        passed_.forget();
    }

    void stray_block(const Statement& s, const Statement& ahead) {
        auto& d = r_.diag.error(Code::UnexpectedBlock, ahead.mark,
                                fmt::format("'{}' does not open a block, but a {{ follows", s.words[0].text));
        d.effect = "ignored up to its closing brace";
        passed_.announce(s, r_.diag.last());
    }

    void slash_comment(const Statement& s, const Frame& frame) {
        const KeywordSpec* row = s.words.empty() || in_list(frame) ? nullptr : find_row(frame.block, s.words[0].text);
        const bool ignored_by_keepalived = row != nullptr && s.words.size() > row->args.words_max;
        if (ignored_by_keepalived) {
            if (std::exchange(slash_noted_, true)) return;
            r_.diag
                .note(Code::SlashComment, s.slash_comment,
                      "// does not begin a comment in keepalived; the words are ignored as surplus ones")
                .fix = "begin comments with # (reported once)";
            return;
        }
        report_slash_comment(r_.diag, s.slash_comment, frame.block == Block::NotificationEmail && !s.words.empty());
    }

    void list(const Statement& s, Frame& frame) {
        const KeywordSpec& row = *frame.row;
        const std::size_t count = row.args.takes == Takes::Items && !row.args.mail ? s.words.size() : 1;
        for (std::size_t i = 0; i < count; ++i) {
            ++frame.items;
            const std::size_t before = r_.diag.reported();
            Value value{.row = row, .statement = s, .word = s.words[i].text, .mark = s.words[i].mark, .first = i};
            if (row.set != nullptr)
                row.set(r_, value);
            else
                keep_item(value);
            if (r_.diag.reported() != before) attempted(row.name, r_.diag.last());
        }
    }

    void keep_item(Value& value) {
        const KeywordSpec& row = value.row;
        if (row.args.takes == Takes::Entries) {
            Section line;
            if (!read_line(r_, row, value.statement, value.first, row.args.opens, line)) return;
            value.section = &line;
            value.line_values = &line.values;
            r_.line_refused = false;
            if (row.line != nullptr) row.line(r_, value);
            if ((row.line == nullptr || row.from_store) && !r_.line_refused)
                store().sections().push_back(std::move(line));
            return;
        }
        if (row.form.starts_with("{ <ifname>")) r_.named_interfaces.emplace_back(value.word, value.mark);
        auto& values = store().values();
        if (values.empty()) values.push_back({std::string{row.name}, WordList{}});
        std::get<WordList>(values.front().data).emplace_back(value.word);
    }

    // True when a word is missing; reported.
    bool missing_word(const KeywordSpec& row, const Statement& s) {
        if (s.words.size() - 1 >= row.args.words_min) return false;
        report_missing_word(r_, row, s);
        attempted(row.name, r_.diag.last());
        return true;
    }

    void announce(const KeywordSpec& row, const Statement& s) { report_old_or_inert(r_, row, s.words[0].mark); }

    // False when the value cannot be read; reported.
    bool use(const KeywordSpec& row, const Statement& s) {
        Value value{.row = row, .statement = s};
        if (!read_value(r_, value)) return false;
        if (row.args.takes == Takes::Line) return use_line(row, s, value);
        if (row.set != nullptr) row.set(r_, value);
        if (row.set == nullptr || row.from_store) keep(r_, store().values(), value);
        return true;
    }

    // A setter gets the valid words and reports missing ones itself.
    bool use_line(const KeywordSpec& row, const Statement& s, Value& value) {
        Section line;
        const bool good = read_line(r_, row, s, 1, row.args.opens, line);
        value.section = &line;
        value.line_values = &line.values;
        if (row.set != nullptr) row.set(r_, value);
        if (good && (row.set == nullptr || row.from_store)) keep_line(r_, store().sections(), value, std::move(line));
        return good;
    }

    void keyword(const KeywordSpec& row, const Statement& s) {
        announce(row, s);
        const std::size_t before = r_.diag.reported();
        const bool used = use(row, s);
        if (r_.diag.reported() != before) attempted(row.name, r_.diag.last());
        if (!used || row.args.takes == Takes::Command || row.args.takes == Takes::Line) return;
        if (s.words.size() < row.args.words_max + 3U) return;
        // keepalived silently ignores surplus words; with two keywords on one line it loses the second.
        const Token& surplus = s.words[row.args.words_max + 1U];
        if (r_.diag.last() < r_.diag.entries().size() &&
            r_.diag.entries()[r_.diag.last()].mark.offset == surplus.mark.offset)
            return;  // reported by the setter
        if (const KeywordSpec* second = find_row(frames_.back().block, surplus.text);
            second != nullptr && second != &row) {
            auto& d = r_.diag.advise(Code::SurplusWords, surplus.mark,
                                     fmt::format("{} is on the line of {} and is ignored", surplus.text, row.name));
            d.fix = "one keyword per line, also inside { }";
        }
    }

    // Records that the line of this diagnostic was intended as `keyword`. Remarks do not count.
    void attempted(std::string_view keyword, std::size_t entry) {
        const auto& entries = r_.diag.entries();
        if (entry >= entries.size() || entries[entry].diagnostic.rank == Rank::None) return;
        if (r_.script != nullptr)
            r_.attempts.push_back({Block::Script, r_.scripts.size() - 1, keyword, entry});
        else if (r_.instance != nullptr)
            r_.attempts.push_back({Block::Instance, r_.instances.size() - 1, keyword, entry});
        else if (r_.service != nullptr)
            r_.attempts.push_back({Block::Service, r_.service->mark.offset, keyword, entry});
    }
    // The same of a line that no row was found for, by the name that stands there.
    void attempted_name(std::string_view name) {
        for (std::size_t i = frames_.size(); i-- > 0;)
            if (const KeywordSpec* row = find_row(frames_[i].block, name); row != nullptr)
                return attempted(row->name, r_.diag.last());
    }

    void block(const KeywordSpec& row, const Statement& s, const Statement& ahead) {
        const bool opens = ahead.kind == Statement::Kind::Open;
        if (missing_word(row, s)) return;
        const bool contents_follow = !opens && ahead.kind == Statement::Kind::Words && row.args.takes == Takes::Opens &&
                                     !ahead.words.empty() && find_row(row.args.opens, ahead.words[0].text) != nullptr &&
                                     find_row(frames_.back().block, ahead.words[0].text) == nullptr;
        if (!opens) {
            report_missing_brace(r_.diag, row, s, contents_follow);
            if (!contents_follow) {
                passed_.line_alone(s, r_.diag.last());
                return attempted(row.name, r_.diag.last());
            }
        }
        announce(row, s);
        r_.skip_block = false;
        const bool lines = row.args.takes == Takes::Entries || row.args.takes == Takes::Items;
        if (const Setter begin = lines ? row.begin : row.set; begin != nullptr) {
            Value value{.row = row, .statement = s};
            value.absent = s.words.size() < 2;
            value.word = value.absent ? std::string_view{} : s.words[1].text;
            value.mark = s.words[value.absent ? 0 : 1].mark;
            begin(r_, value);
        }
        Frame frame{.block = row.args.opens, .row = &row, .opened = s.words[0].mark};
        // A block that a struct stands for has its names there.
        const bool named = !r_.skip_block && more_of(r_, frame.block) == nullptr;
        for (std::size_t i = 1; named && i < s.words.size() && i <= row.args.words_max; ++i)
            frame.names.emplace_back(s.words[i].text);
        if (!opens && r_.skip_block) {
            skip_depth_ = 1;
            skipped_from_ = s.mark.offset;
        } else if (!opens) {
            frame.braceless = true;
            enter(std::move(frame));
        } else if (!r_.skip_block) {
            opening_ = std::move(frame);
            next_brace_ = Brace::Enter;
        }
    }

    // ---- unknown keywords ----------------------------------------------------------------------------------------

    void unknown(const Statement& s, bool opens, Frame& frame) {
        const Token& word = s.words[0];
        if (const auto slip = unknowns_.slip(s, frame.block); slip.reported) return attempted_name(slip.meant);
        for (std::size_t i = frames_.size() - 1; i-- > 0;)
            if (find_row(frames_[i].block, word.text) != nullptr) return misplaced(s, opens, frame, frames_[i]);
        const auto meant = unknowns_.report(s, frame.block, frame.row, opens);
        if (!meant.empty()) attempted(meant, r_.diag.last());
        if (!opens) return;
        passed_.announce(s, r_.diag.last());
        if (frame.block != Block::Root) return;
        next_brace_ = Brace::LookInside;
        unknown_mark_ = word.mark;
    }

    // A keyword of an enclosing block: most likely the closing brace of this one is missing.
    void misplaced(const Statement& s, bool opens, Frame& frame, const Frame& outer) {
        const Token& word = s.words[0];
        const KeywordSpec* meant = find_row(outer.block, word.text);
        if (std::exchange(frame.blamed, true)) {
            if (opens) passed_.announce(s, frame.blame);
            return attempted(meant->name, frame.blame);
        }
        ++missing_reported_;
        if (r_.diag.full()) {
            r_.diag.error(Code::MissingCloseBrace, word.mark, {});
            return;
        }
        auto& d = r_.diag.error(Code::MissingCloseBrace, word.mark,
                                fmt::format("{} does not belong in {}", word.text, frame.row->name));
        d.expected = fmt::format("a }} that closes {} ({}) before it", frame.row->name, r_.where(frame.opened));
        d.effect = fmt::format("everything from here is ignored up to the closing brace of {}", frame.row->name);
        d.fix = outer.row == nullptr ? "it is outside of all blocks"
                                     : fmt::format("it is a keyword of {}", outer.row->name);
        frame.blame = r_.diag.last();
        if (opens) passed_.announce(s, frame.blame);
        attempted(meant->name, frame.blame);
    }

    enum class Brace : std::uint8_t { Unexpected, Enter, Skip, LookInside };

    ParseContext& r_;
    std::vector<Frame> frames_;
    Frame opening_;  // entered at the next {
    Brace next_brace_ = Brace::Unexpected;
    std::size_t skip_depth_ = 0;
    std::size_t looking_inside_ = 0;  // depth of unknown top-level blocks
    Mark unknown_mark_;               // of the outermost one
    std::uint32_t skipped_from_ = 0;
    Mark skip_mark_;  // what is being passed over; empty: its missing brace is not worth another message
    Mark last_closed_;
    std::size_t missing_reported_ = 0;  // closing braces
    bool slash_noted_ = false;
    Unknowns unknowns_;
    PassedOver passed_;
    Lexer lexer_;  // last: it calls back into this object from its constructor
};

}  // namespace

void parse(ParseContext& reading, std::string_view text) { Parser{reading, text}.run(); }

}  // namespace mainstay::config
