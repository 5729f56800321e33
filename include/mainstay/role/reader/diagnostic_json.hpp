// Diagnostics as JSON, in the one form that mainstayctl config check and reload --dry-run print. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "mainstay/config/load.hpp"

namespace mainstay::role {

// The array of all of them, sorted by place.
[[nodiscard]] nlohmann::ordered_json as_json(const config::Loaded& loaded);
[[nodiscard]] const char* name_of(config::Severity severity);
// Configurations hold any bytes; the text is valid UTF-8 whatever they are. Ends in a newline.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& json);

}  // namespace mainstay::role
