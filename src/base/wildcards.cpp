#include "mainstay/base/wildcards.hpp"

#include <cstddef>

namespace mainstay {

// A greedy match that backtracks to the last star only.
bool is_like(std::string_view text, std::string_view pattern) {
    constexpr std::size_t kNone = std::string_view::npos;
    std::size_t at = 0, want = 0, star = kNone, resume = 0;
    while (at < text.size()) {
        if (want < pattern.size() && pattern[want] == '*') {
            star = want++;
            resume = at;
        } else if (want < pattern.size() && (pattern[want] == '?' || pattern[want] == text[at])) {
            ++want;
            ++at;
        } else if (star != kNone) {
            want = star + 1;
            at = ++resume;
        } else {
            return false;
        }
    }
    while (want < pattern.size() && pattern[want] == '*') ++want;
    return want == pattern.size();
}

}  // namespace mainstay
