// Blocks that are passed over because the braces around them do not fit, or because nobody knows their keyword: which
// virtual servers, real servers, instances and addresses are named in them, and so do not come to run.
#pragma once

#include <vector>

#include "parse_context.hpp"

namespace mainstay::config {

class PassedOver {
public:
    explicit PassedOver(ParseContext& r) : r_{r} {}

    // The block that follows is passed over; `entry` is the diagnostic that says so, `opener` its keyword's line.
    void announce(const Statement& opener, std::size_t entry);
    // The same of a { without a keyword.
    void announce(std::size_t entry);
    // It is entered after all, or left out for a reason of its own.
    void forget() { announced_ = false; }

    // A line that opens a block is lost itself, and its block is not passed over.
    void line_alone(const Statement& s, std::size_t entry);

    void open();
    void words(const Statement& s, bool opens);
    void close();
    // What stands in the block and belongs where it stands is read all the same.
    void something_is_read();

    // NameIndex in the diagnostics what was lost. Once, at the end.
    void tell();

private:
    enum class Holds : std::uint8_t { Anything, Addresses, Service };
    // What the line names; what a block that it opens would hold is in `next_`.
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
