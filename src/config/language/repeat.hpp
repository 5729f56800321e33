// ~SEQ, ~SEQx and ~LST at the start of a line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::config {

struct Repetition {
    std::vector<std::string> names;
    // ~SEQ: first, and then by `step` until past `last`.
    std::int64_t first = 0, step = 1, last = 0;
    bool hexadecimal = false;
    std::vector<std::vector<std::string>> tuples;  // ~LST; each as long as `names`
    std::size_t length = 0;                        // up to and with the closing parenthesis

    [[nodiscard]] std::uint64_t count() const;
    [[nodiscard]] std::vector<std::string> values(std::uint64_t round) const;  // one per name
};

// The position of the parameters of a repetition at the start of `text`; nullopt if there is none.
struct RepetitionHead {
    bool list = false, hexadecimal = false;
    std::size_t from = 0, to = 0;  // between the parentheses; to == npos: there is no closing one
};
[[nodiscard]] std::optional<RepetitionHead> repetition_head(std::string_view text);
// `parameters` have been expanded already (for ~SEQ). The error describes what is invalid.
[[nodiscard]] Result<Repetition> read_repetition(const RepetitionHead& head, std::string_view parameters);

}  // namespace mainstay::config
