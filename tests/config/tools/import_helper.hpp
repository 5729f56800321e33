// What the tests of the imports share: a file that is carried over, and what becomes of its parts.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/load.hpp"
#include "mainstay/config/tools/import.hpp"

namespace mainstay::config {

using Strings = std::vector<std::string>;

// A host that knows two services by name, one of them for UDP only.
inline std::optional<std::uint16_t> port_named(std::string_view name, Protocol protocol) {
    if (name == "http") return 80;
    if (name == "domain" && protocol == Protocol::Udp) return 53;
    return std::nullopt;
}

// What was made, which the loader takes without a word.
inline Imported loadable(std::expected<Imported, ImportProblem> made) {
    REQUIRE(made);
    const auto loaded = load_text("made.conf", made->text, {});
    CHECK(loaded.diagnostics.empty());
    return *std::move(made);
}
inline Imported from_ldirectord(std::string_view text) { return loadable(read_ldirectord(text, port_named)); }
inline Imported from_ipvsadm(std::string_view rules) { return loadable(read_ipvsadm_rules(rules)); }

inline Strings losses(const Imported& made) {
    Strings all;
    for (const ImportProblem& problem : made.lost) all.push_back(problem.what);
    return all;
}

// What begins with `begin` and ends before `end`; without both of them.
inline std::string between(const std::string& text, std::string_view begin, std::string_view end) {
    const auto at = text.find(begin);
    if (at == std::string::npos) return "(absent)";
    const auto from = at + begin.size();
    return text.substr(from, text.find(end, from) - from);
}

// The lines of the text without those that close a block, without blanks before them.
inline Strings lines_of(const std::string& text) {
    Strings lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::size_t from = text.find_first_not_of(' ', at);
        if (from < end && text[from] != '}') lines.push_back(text.substr(from, end - from));
        at = end + 1;
    }
    return lines;
}

// The lines of the first real_server, after its weight.
inline Strings server_lines(const Imported& made) {
    return lines_of(between(made.text, "        weight 1\n", "\n    }\n"));
}

}  // namespace mainstay::config
