// Names to which system files assign numbers: routing tables, route protocols, scopes, TOS values, interface groups
// (iproute2's files) and IP protocols (/etc/protocols).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/schema/parse_context.hpp"

namespace mainstay::config {

class NumberNames {
public:
    static constexpr std::size_t kMostBytes = 1U << 20;  // of one file; the rest is ignored

    // Empty `usr`: the distributions' folders of iproute2's own files. Entries in `etc` take precedence.
    NumberNames(std::string usr, std::string etc) : usr_{std::move(usr)}, etc_{std::move(etc)} {}

    // The number of the word after this keyword; none if no file has it.
    [[nodiscard]] std::optional<std::int64_t> find(std::string_view keyword, const std::string& name);

private:
    using Table = std::map<std::string, std::int64_t, std::less<>>;
    [[nodiscard]] const Table& table(std::string_view file);

    std::string usr_, etc_;
    std::map<std::string, Table, std::less<>> tables_;  // by file, read when first asked for
};

// Replaces names in the routes, rules and addresses of `config` by numbers. A line with an unknown name is reported and
// left out; in an address only the word is left out.
void resolve_names(ParseContext& r, Config& config);

}  // namespace mainstay::config
