// Applies the schema to the statements. There is no function per keyword: a row describes its words and what to set.
// This file handles only blocks, braces and diagnostics about them.
#include <algorithm>
#include <span>
#include <utility>

#include "config/parse/parser.hpp"
#include "config/schema/parse_context.hpp"
#include "config/schema/value_store.hpp"
#include "config/validate/validate.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/config/keywords.hpp"
#include "parser.hpp"

namespace mainstay::config {
namespace {

struct Frame {
    Block block = Block::Root;
    const KeywordSpec* row = nullptr;  // that opened it; null for the root
    Mark opened;                       // the keyword
    WordList names;                    // between the keyword and the {
    std::size_t items = 0;
    bool blamed = false;                          // its closing brace was already reported missing
    std::size_t blame = 0;                        // the diagnostic that did
    Store store;                                  // for values without a setter
    std::vector<const KeywordSpec*> replaceable;  // the given ones of those whose repetition is told
};

class Parser final : Lexer::Listener {
public:
    // Without `walked` the text is read as it stands, up to a brace that does not fit.
    Parser(ParseContext& reading, std::string_view text, const WalkedFile* walked)
        : r_{reading}, frames_(1), unknowns_{reading}, statements_{walked}, lexer_{text, *this} {
        frames_[0].store = Store{r_.more};
    }

    bool run() {
        Statement one, two;
        Statement *current = &one, *ahead = &two;
        statements_.next(lexer_, *current);
        while (current->kind != Statement::Kind::End && fits_) {
            if (current->kind == Statement::Kind::Words) {
                statements_.next(lexer_, *ahead);
                words(*current, *ahead);
                std::swap(current, ahead);
                continue;
            }
            if (current->kind == Statement::Kind::Open)
                open(*current);
            else
                close(*current);
            statements_.next(lexer_, *current);
        }
        if (skip_depth_ != 0 || frames_.size() > 1) fits_ = false;
        return fits_;
    }

private:
    [[nodiscard]] bool walked() const { return statements_.file() != nullptr; }

    bool wants_argument(std::span<const Token> words) override {
        if (skip_depth_ != 0) return false;
        const Frame& frame = frames_.back();
        if (in_list(frame)) return false;
        const KeywordSpec* row = find_row(frame.block, words[0].text);
        return row != nullptr && words.size() <= row->args.words_min;
    }

    void found(const LexFinding& finding) override {
        const bool of_line = finding.kind == LexFinding::Kind::NulByte || finding.kind == LexFinding::Kind::LineTooLong;
        if (!walked() || !of_line) report_finding(r_.diag, finding);  // else report_lost does
    }

    static bool in_list(const Frame& frame) { return frame.row != nullptr && is_list(frame.row->args.takes); }

    // ---- braces ------------------------------------------------------------------------------------------------

    void open(const Statement& brace) {
        if (skip_depth_ != 0) {
            ++skip_depth_;
            return;
        }
        switch (std::exchange(next_brace_, Brace::Unexpected)) {
            case Brace::Enter:
                enter(std::move(opening_));
                return;
            case Brace::Skip:
                skip_depth_ = 1;
                skipped_from_ = brace.mark.offset;
                return;
            case Brace::Unexpected:
                fits_ = false;
        }
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
            if (--skip_depth_ == 0) r_.skipped.push_back({skipped_from_, brace.mark.offset - skipped_from_});
            return;
        }
        if (frames_.size() == 1)
            fits_ = false;
        else
            leave();
    }

    void leave() {
        const Frame& frame = frames_.back();
        if (frame.block == Block::NotificationEmail && frame.items == 0) {
            r_.diag.warn(Code::EmptyBlock, frame.opened, "notification_email is empty").effect = "no mail is sent";
        }
        // keepalived says nothing of a track_group without the word.
        if (frame.block == Block::GroupMembers && frame.items == 0 &&
            frames_[frames_.size() - 2].block == Block::TrackGroup)
            r_.diag.error(Code::EmptyBlock, frame.opened, "track_group has an empty group").effect =
                "what names it follows no instance";
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
                resolve_service(r_);
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

    // ---- lines -------------------------------------------------------------------------------------------------

    void words(const Statement& s, const Statement& ahead) {
        if (skip_depth_ != 0) return;
        const bool opens = ahead.kind == Statement::Kind::Open;
        unknowns_.next_line();
        Frame& frame = frames_.back();
        if (s.slash_comment.length != 0) slash_comment(s, frame);
        if (s.words.empty()) return;
        if (in_list(frame)) {
            if (!s.broken) list(s, frame);
            return;
        }
        if (s.broken) return broken(s);
        const KeywordSpec* row = find_row(frame.block, s.words[0].text);
        if (row == nullptr && walked()) row = statements_.file()->meant_at(s.mark.offset);
        if (row == nullptr) return unknown(s, opens, frame);
        if (is_block(row->args.takes)) return block(*row, s, opens);
        if (!missing_word(*row, s)) keyword(*row, s);
    }

    void broken(const Statement& s) {
        auto& entries = r_.diag.entries();
        const auto reported = std::ranges::find_if(entries, [&](const Diagnoser::Entry& entry) {
            return entry.mark.offset >= s.mark.offset &&
                   entry.diagnostic.code == static_cast<std::uint16_t>(Code::UnterminatedQuote);
        });
        const KeywordSpec* row = find_row(frames_.back().block, s.words[0].text);
        if (row == nullptr) return;
        attempted(row->name, static_cast<std::size_t>(reported - entries.begin()));
        // keepalived (2.2.7) stops where a word is missing, as it does without the quote.
        if (s.words.size() - 1 >= row->args.words_min || row->missing != Missing::Stops || reported == entries.end() ||
            row->args.takes == Takes::Command)
            return;
        Diagnostic& d = reported->diagnostic;
        d.severity = Severity::Fatal;
        d.rank = std::max(d.rank, Rank::MissingWord);
        d.effect = fmt::format("{} has no value, where keepalived stops: this configuration cannot run", row->name);
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
        const bool is_mailed = frame.block == Block::NotificationEmail && !s.words.empty();
        std::size_t& told = is_mailed ? mailed_slash_ : slash_;  // files with such comments have many
        if (told != Diagnoser::kNowhere) return r_.diag.also(told, s.slash_comment);
        report_slash_comment(r_.diag, s.slash_comment, is_mailed);
        told = r_.diag.last();
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
            const std::size_t named = r_.named_interfaces.size();
            if (!read_line(r_, row, value.statement, value.first, row.args.opens, line)) return;
            const bool tracked = !is_given(line.values, keyword::no_track);
            value.section = &line;
            value.line_values = &line.values;
            r_.line_refused = false;
            if (row.line != nullptr) row.line(r_, value);
            if (r_.instance != nullptr && tracked && !r_.line_refused)  // a route or a rule
                for (auto& one : std::span{r_.named_interfaces}.subspan(named)) one.needed_by = r_.instance->model.name;
            if ((row.line == nullptr || row.from_store) && !r_.line_refused)
                store().sections().push_back(std::move(line));
            return;
        }
        if (row.form.starts_with("{ <ifname>"))
            r_.named_interfaces.push_back({std::string{value.word}, value.mark, {}});
        auto& values = store().values();
        if (values.empty()) values.push_back({std::string{row.name}, WordList{}});
        std::get<WordList>(values.front().data).emplace_back(value.word);
    }

    // True when a word is missing; reported.
    bool missing_word(const KeywordSpec& row, const Statement& s) {
        if (s.words.size() - 1 >= row.args.words_min) return false;
        report_missing_word(r_, row, s);
        if (r_.checker != nullptr && row.args.takes == Takes::Command) r_.checker->misc_path = s.words[0].mark;
        attempted(row.name, r_.diag.last());
        return true;
    }

    void announce(const KeywordSpec& row, const Statement& s) { report_old_or_inert(r_, row, s.words[0].mark); }

    // False when the value cannot be read; reported.
    bool use(const KeywordSpec& row, const Statement& s) {
        Value value{.row = row, .statement = s};
        if (!read_value(r_, value)) return false;
        static_cast<void>(replaces(row, s.words[0].mark));
        if (row.args.takes == Takes::Line) return use_line(row, s, value);
        if (row.set != nullptr) row.set(r_, value);
        if (row.set == nullptr || row.from_store) keep(r_, store().values(), value);
        return true;
    }

    // Whether it takes the place of an earlier one, which is told.
    bool replaces(const KeywordSpec& row, Mark mark) {
        if (row.repeat != Repeat::Replaces) return false;
        auto& given = frames_.back().replaceable;
        if (std::ranges::find(given, &row) == given.end()) return given.push_back(&row), false;
        r_.diag.error(Code::GivenTwice, mark, fmt::format("{} was given before", row.name)).effect =
            "the last one is used";
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
        if (!used || row.args.mail || row.args.takes == Takes::Command || row.args.takes == Takes::Line) return;
        if (s.words.size() < row.args.words_max + 2U) return;
        // keepalived silently ignores surplus words; with two keywords on one line it loses the second.
        const Token& surplus = s.words[row.args.words_max + 1U];
        if (r_.diag.last() < r_.diag.entries().size() &&
            r_.diag.entries()[r_.diag.last()].mark.offset == surplus.mark.offset)
            return;  // reported by the setter
        const KeywordSpec* second =
            s.words.size() > row.args.words_max + 2U ? find_row(frames_.back().block, surplus.text) : nullptr;
        if (second == &row) return;
        if (second != nullptr) {
            auto& d = r_.diag.advise(Code::SurplusWords, surplus.mark,
                                     fmt::format("{} is on the line of {} and is ignored", surplus.text, row.name));
            d.fix = "one keyword per line, also inside { }";
        } else {
            const std::string word = row.secret ? "a word" : plain_quote(surplus.text);
            const bool plain = row.args.words_max == 0;
            auto& d = r_.diag.advise(
                Code::SurplusWords, surplus.mark,
                fmt::format("{} stands behind {}{} and is ignored", word, plain ? "" : "the value of ", row.name));
            if (plain)
                d.effect = fmt::format("{} is set, whatever stands behind it", row.name);
            else
                d.expected = fmt::format("{} {}", row.name, row.form);
        }
    }

    // Records that the line of this diagnostic was intended as `keyword`.
    void attempted(std::string_view keyword, std::size_t entry) {
        if (r_.script != nullptr)
            r_.attempted({Block::Script, r_.scripts.size() - 1, keyword, entry});
        else if (r_.instance != nullptr)
            r_.attempted({Block::Instance, r_.instances.size() - 1, keyword, entry});
        else if (r_.service != nullptr)
            r_.attempted({Block::Service, r_.service->mark.offset, keyword, entry});
    }
    // The same of a line that no row was found for, by the name that stands there.
    void attempted_name(std::string_view name) {
        for (std::size_t i = frames_.size(); i-- > 0;)
            if (const KeywordSpec* row = find_row(frames_[i].block, name); row != nullptr)
                return attempted(row->name, r_.diag.last());
    }

    void block(const KeywordSpec& row, const Statement& s, bool opens) {
        if (opens) next_brace_ = Brace::Skip;  // unless the block is used, below
        if (missing_word(row, s)) return;
        if (!opens && !walked()) {
            fits_ = false;
            return;
        }
        announce(row, s);
        if (opens) surplus_before_brace(row, s);
        r_.skip_block = false;
        if (const Setter begin = is_list(row.args.takes) ? row.begin : row.set; begin != nullptr) {
            Value value{.row = row, .statement = s};
            value.absent = s.words.size() < 2;
            value.word = value.absent ? std::string_view{} : s.words[1].text;
            value.mark = s.words[value.absent ? 0 : 1].mark;
            const auto before = r_.diag.reported();
            begin(r_, value);
            if (r_.skip_block && r_.diag.reported() != before) attempted(row.name, r_.diag.last());
        }
        if (const auto told = r_.fault_entries.find(s.mark.offset); told != r_.fault_entries.end())
            attempted(row.name, told->second);
        Frame frame{.block = row.args.opens, .row = &row, .opened = s.words[0].mark};
        // A block that a struct stands for has its names there.
        const bool named = !r_.skip_block && more_of(r_, frame.block) == nullptr;
        for (std::size_t i = 1; named && i < s.words.size() && i <= row.args.words_max; ++i)
            frame.names.emplace_back(s.words[i].text);
        if (!opens || r_.skip_block) return;
        if (replaces(row, s.words[0].mark))
            std::erase_if(store().sections(), [&](const Section& section) { return section.keyword == row.name; });
        opening_ = std::move(frame);
        next_brace_ = Brace::Enter;
    }

    // keepalived complains of a list alone.
    void surplus_before_brace(const KeywordSpec& row, const Statement& s) {
        if (!is_list(row.args.takes) || s.words.size() < row.args.words_max + 2U) return;
        if (r_.fault_entries.contains(s.mark.offset)) return;  // there is no brace, which was told
        const Token& surplus = s.words[row.args.words_max + 1U];
        std::string message = fmt::format("'{}' stands before the {{ of {}", surplus.text, row.name);
        // keepalived (2.2.7): the process of the checkers exits with 2.
        const bool stops = row.args.opens == Block::ServerGroup;
        auto& d = stops ? r_.diag.add(Severity::Fatal, Rank::MissingWord, Code::SurplusWords, surplus.mark,
                                      message + "; keepalived stops here")
                        : r_.diag.error(Code::SurplusWords, surplus.mark, std::move(message));
        d.effect = stops ? "this configuration cannot run" : "it is ignored";
        d.fix = "write each entry on a line of its own, behind the {";
    }

    // ---- unknown keywords ----------------------------------------------------------------------------------------

    void unknown(const Statement& s, bool opens, Frame& frame) {
        const Token& word = s.words[0];
        const BraceFault* fault = !walked() ? nullptr : statements_.file()->fault_at(s.mark.offset);
        if (opens) {  // in a text that was walked, the { of such a line is left out
            fits_ = false;
            return;
        }
        const auto slip = unknowns_.slip(s, frame.block);
        if (fault != nullptr && slip.reported) r_.fault_entries.emplace(s.mark.offset, r_.diag.last());
        if (slip.reported) return attempted_name(slip.meant);
        const bool told = r_.fault_entries.contains(s.mark.offset);
        for (std::size_t i = frames_.size() - 1; i-- > 0;)
            if (find_row(frames_[i].block, word.text) != nullptr) return misplaced(s, frame, frames_[i]);
        if (told) return;
        const auto meant = unknowns_.report(s, frame.block, frame.row, fault != nullptr);
        if (fault != nullptr) {
            r_.fault_entries.emplace(s.mark.offset, r_.diag.last());
            if (fault->holds_blocks && r_.diag.last() < r_.diag.entries().size())
                r_.diag.entries()[r_.diag.last()].diagnostic.effect =
                    "what belongs outside of all blocks is read, as keepalived does";
        }
        if (!meant.empty()) attempted(meant, r_.diag.last());
    }

    // A keyword of an enclosing block.
    void misplaced(const Statement& s, Frame& frame, const Frame& outer) {
        const Token& word = s.words[0];
        if (const auto told = r_.fault_entries.find(s.mark.offset); told != r_.fault_entries.end()) {
            frame.blamed = true;
            frame.blame = told->second;
        }
        const KeywordSpec& meant = *find_row(outer.block, word.text);
        if (!frame.blamed) {
            report_misplaced(r_.diag, meant, word.mark, *frame.row, outer.row);
            if (walked()) r_.fault_entries.emplace(s.mark.offset, r_.diag.last());
        }
        attempted(meant.name, frame.blamed ? frame.blame : r_.diag.last());
    }

    enum class Brace : std::uint8_t { Unexpected, Enter, Skip };

    ParseContext& r_;
    std::vector<Frame> frames_;
    Frame opening_;  // entered at the next {
    Brace next_brace_ = Brace::Unexpected;
    bool fits_ = true;  // no brace was missing or unexpected
    std::size_t skip_depth_ = 0;
    std::uint32_t skipped_from_ = 0;
    bool slash_noted_ = false;
    std::size_t slash_ = Diagnoser::kNowhere, mailed_slash_ = Diagnoser::kNowhere;  // the messages about //
    Unknowns unknowns_;
    WalkedStatements statements_;
    Lexer lexer_;  // last: it calls back into this object from its constructor
};

}  // namespace

bool parse(ParseContext& reading, std::string_view text) { return Parser{reading, text, nullptr}.run(); }

void parse(ParseContext& reading, std::string_view text, const WalkedFile& walked,
           const std::vector<BraceFault>& mistakes) {
    report_mistakes(reading, walked, mistakes);
    (void)Parser{reading, text, &walked}.run();
    report_lost(reading, walked, mistakes);
}

}  // namespace mainstay::config
