// Reports lines with an unknown keyword.
#pragma once

#include "config/schema/parse_context.hpp"

namespace mainstay::config {

// A block with this keyword; None if there is none.
[[nodiscard]] Block home_of(std::string_view word);
// The keyword of `block` that the line may mean: `real server` is real_server. Empty when none is near.
[[nodiscard]] std::string_view nearest_to(const Statement& statement, Block block);

class Unknowns {
public:
    explicit Unknowns(ParseContext& r) : r_{r} {}

    // A line was met, of whatever kind: those that are reported as one follow each other directly.
    void next_line() { ++line_; }

    // A mistake with a separate message. `meant` is the probably intended keyword, if any.
    struct Slip {
        bool reported = false;
        std::string_view meant;
    };
    [[nodiscard]] Slip slip(const Statement& statement, Block block);

    // Reports the line; `owner` is the row of its block, null outside of all. Gives the keyword of the block that it
    // may mean, empty when none is near.
    std::string_view report(const Statement& statement, Block block, const KeywordSpec* owner, bool opens);

private:
    [[nodiscard]] bool follows() const { return last_line_ + 1 == line_ && last_ < r_.diag.entries().size(); }
    [[nodiscard]] std::uint32_t file_of(const Statement& statement) const;
    bool goes_on(const Statement& statement, bool opens);
    std::string_view backslash(const Statement& statement, Block block);

    ParseContext& r_;
    std::size_t line_ = 0;
    std::size_t last_line_ = 0, last_ = Diagnoser::kNowhere;  // the last one that those below it may be added to
    std::uint32_t last_file_ = 0;
    bool continued_ = false;                             // it ended in a backslash
    std::map<std::string_view, std::size_t> invisible_;  // the diagnostic, by the name of the character
};

}  // namespace mainstay::config
