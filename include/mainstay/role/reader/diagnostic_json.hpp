// Diagnostics as JSON, in the form that mainstayctl config check and reload --dry-run print. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "mainstay/config/load.hpp"

namespace mainstay::role {

// An array of all diagnostics, sorted by file and line.
[[nodiscard]] nlohmann::ordered_json as_json(const config::Loaded& loaded);
[[nodiscard]] const char* name_of(config::Severity severity);
// Valid UTF-8 for any bytes in the configuration. Ends in a newline.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& json);

}  // namespace mainstay::role
