// The answer of GET /status as tables for people. Pure.
#pragma once

#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

// Errc::Invalid when the text is not such an answer.
[[nodiscard]] Result<std::string> status_tables(std::string_view answer);

}  // namespace mainstay::cli
