// The answer of GET /status as tables for people. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "status_filter.hpp"

namespace mainstay::cli {

// Errc::Invalid when the text is not such an answer. Of the section, with `names` only what they name
// (status_filter.hpp) is shown; Errc::NotFound: nothing is named like that.
[[nodiscard]] Result<std::string> status_tables(std::string_view answer, const std::vector<std::string>& names = {},
                                                StatusSection section = StatusSection::All);

}  // namespace mainstay::cli
