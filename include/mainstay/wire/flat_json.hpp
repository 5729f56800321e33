// A JSON object without objects and lists inside: the body of a request that changes something. RFC 8259. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::wire {

inline constexpr std::size_t kFlatMembersMax = 32;

using FlatValue = std::variant<std::monostate, bool, std::int64_t, std::string>;  // monostate: null
using FlatObject = std::vector<std::pair<std::string, FlatValue>>;

// The members, in order, each name once. Errc::Invalid, with the position: not JSON, nested, a number that is not a
// whole one of 64 bits, a name that is repeated, or too many members.
[[nodiscard]] Result<FlatObject> flat_json(std::string_view text);

}  // namespace mainstay::wire
