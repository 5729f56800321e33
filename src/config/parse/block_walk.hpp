// Files whose braces do not fit: what keepalived makes of them.
//
// keepalived reads statements (lines and braces) level by level and never looks ahead for the end of a block: a { that
// nothing waits for is ignored, a } ends whatever level is open, and a block whose { is missing takes the lines up to
// the next }. Each of its processes reads the file so by itself, and passes over the blocks of the others by counting
// braces; what counts of a block is what the process saw that acts on it.
//
// The walk does the same for all processes, and puts their blocks together to one list of statements whose braces fit.
// Files without such a mistake are never walked: the parser reads them once, and tells when a brace is unexpected.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/config/language/lexer.hpp"
#include "mainstay/config/schema/schema.hpp"

namespace mainstay::config {

struct BraceFault {
    enum class Kind : std::uint8_t {
        OpenMissing,     // after the keyword `row`
        OpenUnexpected,  // behind the line of `word`; empty: there is none
        OpenInList,      // of the block `level`
        OpenTwice,       // after the keyword `row`
        UnknownBlock,    // told by the parser; of Intended, also a line or a quote, and `row` may be meant
        CloseMissing,    // of the block `row` at `opened`: its line `word` is a keyword of `also`, or of none
        CloseEarly,      // of the block `row`, whose keyword `word` follows
        CloseExtra,      // outside of all blocks
        Unclosed,        // the block `row` at the end of the file; `also` are those around it
    } kind{};
    Mark mark;
    std::string_view word;
    const KeywordSpec* row = nullptr;
    const KeywordSpec* level = nullptr;  // the block in which it stands; null: outside of all
    std::vector<const KeywordSpec*> also;
    Mark opened;
    bool holds_blocks = false;  // UnknownBlock outside of all blocks: something in it is read
    // Of what the author meant (parser.hpp):
    Mark after;           // what stands before the place of a brace that is missing
    bool paired = false;  // Open...: its } is there, too; CloseEarly: it should stand behind `after`
};

struct WalkedFile {
    enum class Step : std::uint8_t { Line, Open, Close };  // a Line may be a { that is an entry of a list
    struct Item {
        std::uint32_t offset = 0;
        Step step = Step::Line;
        bool written = true;  // it stands at `offset`; otherwise it is a brace that is missing there
        bool unknown = false;
    };
    std::vector<Item> items;         // block after block, in the order of their keywords
    std::vector<BraceFault> faults;  // in the order of their places, one for each mistake
    bool fits = true;                // no brace is missing or unexpected
    // Offsets of the lines that are read as what they are, and of those that a block follows, in ascending order.
    std::vector<std::uint32_t> lines, blocks;
    std::string_view text;  // not empty: a line of it whose quote is not closed counts as if it were (parser.hpp)
    // The lines whose keyword is misspelt and taken for another one, in ascending order (parser.hpp).
    std::vector<std::pair<std::uint32_t, const KeywordSpec*>> meant;

    [[nodiscard]] const BraceFault* fault_at(std::uint32_t offset) const;  // null: there is none
    [[nodiscard]] const KeywordSpec* meant_at(std::uint32_t offset) const;
};

// What is wrong, in a few words: "a second {".
[[nodiscard]] std::string describe(const BraceFault& fault);

// The statements of a walked file, or with null those of the lexer as they stand.
class WalkedStatements {
public:
    explicit WalkedStatements(const WalkedFile* walked) : walked_{walked} {}
    [[nodiscard]] const WalkedFile* file() const { return walked_; }
    void next(Lexer& lexer, Statement& statement) {
        if (walked_ == nullptr)
            lexer.next(statement);
        else
            next_walked(lexer, statement);
    }

private:
    void next_walked(Lexer& lexer, Statement& statement);
    void close_quote(Statement& statement);

    const WalkedFile* walked_;
    std::size_t at_ = 0;
    std::deque<std::string> closed_;  // lines with the quote that is missing
};

// `text` is that of a snapshot.
[[nodiscard]] WalkedFile walk_blocks(std::string_view text);

}  // namespace mainstay::config
