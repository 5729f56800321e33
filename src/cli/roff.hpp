// Text for manual pages.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace mainstay::cli {

inline std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
    return text;
}

inline std::string roff(std::string_view text) {
    std::string out = replaced(std::string{text}, "\\", "\\e");
    out = replaced(std::move(out), "-", "\\-");
    if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
    return out;
}
// An argument of a macro.
inline std::string roff_word(std::string_view text) {
    return fmt::format("\"{}\"", replaced(roff(text), "\"", "\\(dq"));
}

}  // namespace mainstay::cli
