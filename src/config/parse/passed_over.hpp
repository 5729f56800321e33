// Blocks that are skipped because of mismatched braces or an unknown keyword: lists the virtual servers, real servers,
// instances and addresses in them, which therefore do not run.
#pragma once

#include <vector>

#include "parse_context.hpp"

namespace mainstay::config {

class PassedOver {
public:
    explicit PassedOver(ParseContext& r) : r_{r} {}

    // The following block is skipped; `entry` is the diagnostic about it, `opener` the line of its keyword.
    void announce(const Statement& opener, std::size_t entry);
    // The same of a { without a keyword.
    void announce(std::size_t entry);
    // It is used after all, or left out for another reason.
    void forget() { announced_ = false; }

    // A line that opens a block is lost itself, and its block is not passed over.
    void line_alone(const Statement& s, std::size_t entry);

    void open();
    void words(const Statement& s, bool opens);
    void close();
    // Lines in the block that are valid at their position are used nevertheless.
    void something_is_read();

    // Lists the lost objects in the diagnostics. Called once, at the end.
    void report();

private:
    enum class Holds : std::uint8_t { Anything, Addresses, Service };
    // The object of the line; the kind of objects in a block that it opens is in `next_`.
    void take(const Statement& s);
    void add(Lost::Kind kind, std::string name);
    [[nodiscard]] bool in_service() const;

    ParseContext& r_;
    bool announced_ = false;
    Holds next_ = Holds::Anything;
    struct Inside {
        Holds holds;
        std::size_t entry;
    };
    std::vector<Inside> inside_;
    std::size_t entry_ = Diagnoser::kNowhere;
};

}  // namespace mainstay::config
