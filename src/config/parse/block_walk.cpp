#include "block_walk.hpp"

#include <algorithm>
#include <utility>

#include "block_reading.hpp"

namespace mainstay::config {
namespace {

// Puts together what the processes read.
class Merge {
public:
    explicit Merge(std::string_view text) {
        for (const Process process : kProcesses) readings_.push_back(walk_as(process, text));
        const auto& started = readings_.back().started;
        for (Reading& reading : readings_)
            if (reading.process != Process::Main && !started.contains(reading.process) && !reading.stops)
                drop_blocks(reading);
    }

    WalkedFile run() {
        for (const Reading& reading : readings_) file_.fits = file_.fits && reading.fits;
        mark_read();
        judge();
        put_together();
        return std::move(file_);
    }

private:
    // Leaves the lines that are worth a message.
    static void drop_blocks(Reading& reading) {
        std::vector<Part> parts;
        for (std::size_t i = 0; i < reading.items.size(); ++i)
            if (reading.items[i].unknown) parts.push_back({i, i + 1, reading.items[i].offset, true});
        reading.parts = std::move(parts);
        reading.dropped = true;
    }

    void mark_read() {
        for (const Reading& reading : readings_)
            for (const Part& part : reading.parts)
                for (std::size_t i = part.from; i < part.to; ++i)
                    if (const auto& item = reading.items[i]; item.written && !item.unknown)
                        used_.push_back(item.offset);
        std::ranges::sort(used_);
        used_.erase(std::unique(used_.begin(), used_.end()), used_.end());
    }

    [[nodiscard]] bool is_used(std::uint32_t offset) const { return std::ranges::binary_search(used_, offset); }
    [[nodiscard]] bool is_excused(std::uint32_t offset) const {
        return std::ranges::any_of(
            readings_, [&](const Reading& reading) { return std::ranges::binary_search(reading.excused, offset); });
    }
    [[nodiscard]] bool any_used(std::uint32_t from, std::uint32_t to) const {
        const auto first = std::ranges::upper_bound(used_, from);
        return first != used_.end() && *first < to;
    }

    // Of several findings that one mistake makes, in one process or in all, one is told.
    void judge() {
        std::vector<Finding*> all;
        for (Reading& reading : readings_) {
            for (Finding& finding : reading.findings) {
                finding.silent = finding.silent && !reading.dropped;  // nobody reads the line with the other message
                all.push_back(&finding);
            }
        }
        std::ranges::stable_sort(all, [](const Finding* a, const Finding* b) {
            return std::pair{a->fault.mark.offset, b->depth} < std::pair{b->fault.mark.offset, a->depth};
        });
        std::uint32_t last = UINT32_MAX;
        for (Finding* finding : all) {
            BraceFault& fault = finding->fault;
            if (fault.mark.offset == last || !counts(*finding)) continue;
            last = fault.mark.offset;
            const bool unknown = fault.kind == BraceFault::Kind::UnknownBlock;
            if (unknown || fault.kind == BraceFault::Kind::CloseMissing)
                told_.push_back({fault.mark.offset, finding->process, !unknown});
            if (finding->line) continue;
            if (fault.kind != BraceFault::Kind::Unclosed)  // which makes nothing of the lines before the end
                reach_ = std::max(reach_, unknown && fault.level == nullptr ? finding->until : UINT32_MAX);
            fault.holds_blocks = unknown && fault.level == nullptr && any_used(fault.mark.offset, finding->until);
            if (!finding->silent) file_.faults.push_back(std::move(fault));
        }
    }

    [[nodiscard]] bool counts(const Finding& finding) const {
        using Kind = BraceFault::Kind;
        const BraceFault& fault = finding.fault;
        switch (fault.kind) {
            case Kind::UnknownBlock:  // a known keyword where it does not belong comes of what went wrong before
                return !is_used(fault.mark.offset) && (!finding.homed || reach_ <= fault.mark.offset);
            case Kind::CloseExtra:
                return !is_used(fault.mark.offset) && !is_excused(fault.mark.offset);
            case Kind::OpenUnexpected:
            case Kind::CloseMissing:
                return !is_used(fault.mark.offset);
            default:
                return true;
        }
    }

    void put_together() {
        struct Piece {
            const Part* part;
            const Reading* reading;
        };
        std::vector<Piece> pieces;
        for (const Reading& reading : readings_)
            for (const Part& part : reading.parts) pieces.push_back({&part, &reading});
        std::ranges::stable_sort(pieces, {}, [](const Piece& piece) { return piece.part->offset; });
        std::uint32_t last = UINT32_MAX;
        for (const auto& [part, reading] : pieces) {
            if (!part->unknown && part->offset == last) continue;  // one block of two processes
            if (!part->unknown) last = part->offset;
            for (std::size_t i = part->from; i < part->to; ++i) {
                const auto& item = reading->items[i];
                if (item.unknown && !is_told(item.offset, *reading)) continue;
                file_.items.push_back(item);
            }
        }
        for (std::size_t i = 1; i < file_.items.size(); ++i)
            if (file_.items[i].step == WalkedFile::Step::Open) file_.blocks.push_back(file_.items[i - 1].offset);
        std::ranges::sort(file_.blocks);
        file_.lines = std::move(used_);
    }

    struct Told {
        std::uint32_t offset;
        Process process;
        bool is_keyword;  // of an outer block
    };

    [[nodiscard]] bool is_told(std::uint32_t offset, const Reading& reading) const {
        const auto [first, last] = std::ranges::equal_range(told_, offset, {}, &Told::offset);
        return std::any_of(first, last, [&](const Told& told) {
            return told.process == reading.process && (!reading.dropped || !told.is_keyword);
        });
    }

    std::vector<Reading> readings_;
    std::vector<std::uint32_t> used_;
    std::vector<Told> told_;   // unknown lines, and whose they are
    std::uint32_t reach_ = 0;  // up to where the faults so far explain lines that do not belong
    WalkedFile file_;
};

}  // namespace

const BraceFault* WalkedFile::fault_at(std::uint32_t offset) const {
    const auto at = std::ranges::lower_bound(faults, offset, {}, [](const BraceFault& f) { return f.mark.offset; });
    return at != faults.end() && at->mark.offset == offset ? &*at : nullptr;
}

const KeywordSpec* WalkedFile::meant_at(std::uint32_t offset) const {
    const auto at = std::ranges::lower_bound(meant, offset, {}, &std::pair<std::uint32_t, const KeywordSpec*>::first);
    return at != meant.end() && at->first == offset ? at->second : nullptr;
}

void WalkedStatements::close_quote(Statement& statement) {
    std::string_view line = walked_->text.substr(statement.mark.offset);
    line = line.substr(0, line.find('\n'));
    line = line.substr(0, line.find_last_not_of(" \t\r{") + 1);
    const std::size_t quote = line.find('"', std::min<std::size_t>(statement.mark.length, line.size()));
    statement.broken = false;
    if (quote == std::string_view::npos) return;
    const Mark mark{static_cast<std::uint32_t>(statement.mark.offset + quote),
                    static_cast<std::uint32_t>(line.size() - quote)};
    statement.words.push_back({line.substr(quote + 1), mark, true});
    statement.raw = closed_.emplace_back(std::string{line} + '"');
}

void WalkedStatements::next_walked(Lexer& lexer, Statement& statement) {
    statement.words.clear();
    if (at_ == walked_->items.size()) {
        statement.kind = Statement::Kind::End;
        return;
    }
    const WalkedFile::Item& item = walked_->items[at_++];
    if (item.written) {
        lexer.seek(item.offset);
        lexer.next(statement);
        if (!walked_->text.empty() && statement.broken) close_quote(statement);
        if (item.step != WalkedFile::Step::Line || statement.kind != Statement::Kind::Open) return;
        statement.kind = Statement::Kind::Words;
        statement.words.push_back({"{", statement.mark, false});
        statement.raw = "{";
        return;
    }
    statement.kind = item.step == WalkedFile::Step::Open ? Statement::Kind::Open : Statement::Kind::Close;
    statement.mark = {item.offset, 0};
}

WalkedFile walk_blocks(std::string_view text) { return Merge{text}.run(); }

}  // namespace mainstay::config
