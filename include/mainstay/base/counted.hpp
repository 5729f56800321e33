// Numbers of things, in sentences.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace mainstay {

// "1 error", "2 errors": of a word whose plural ends in s.
[[nodiscard]] std::string counted(std::integral auto count, std::string_view thing) {
    return std::to_string(count).append(" ").append(thing).append(count == 1 ? "" : "s");
}

}  // namespace mainstay
