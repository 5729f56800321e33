// NameIndex that files of the system give a number: routing tables, route protocols, scopes, TOS values, interface
// groups (iproute2's files) and IP protocols (/etc/protocols).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "parse_context.hpp"

namespace mainstay::config {

class NumberNames {
public:
    static constexpr std::size_t kMostBytes = 1U << 20;  // of one file: the rest is not read

    // Empty `usr`: where distributions put iproute2's own files. What stands in `etc` comes first.
    NumberNames(std::string usr, std::string etc) : usr_{std::move(usr)}, etc_{std::move(etc)} {}

    // What the word behind this keyword means; none when no file knows it.
    [[nodiscard]] std::optional<std::int64_t> find(std::string_view keyword, const std::string& name);

private:
    using Table = std::map<std::string, std::int64_t, std::less<>>;
    [[nodiscard]] const Table& table(std::string_view file);

    std::string usr_, etc_;
    std::map<std::string, Table, std::less<>> tables_;  // by file, read when first asked for
};

// Puts numbers in place of the names in the routes, rules and addresses of `config`. A line with a name that no file
// knows is told of and left out; of an address only the word.
void resolve_names(ParseContext& r, Config& config);

}  // namespace mainstay::config
