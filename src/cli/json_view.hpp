// Members of the daemon's answers. Missing or mistyped ones read as empty: the daemon may be older or newer than this
// program.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

// Errc::Invalid: it is not JSON of this kind.
[[nodiscard]] Result<nlohmann::json> json_object(std::string_view answer);
[[nodiscard]] Result<nlohmann::json> json_array(std::string_view answer);

[[nodiscard]] std::string text(const nlohmann::json& object, const char* name);
[[nodiscard]] std::int64_t number(const nlohmann::json& object, const char* name);
[[nodiscard]] bool flag(const nlohmann::json& object, const char* name);
[[nodiscard]] const nlohmann::json& list(const nlohmann::json& object, const char* name);
[[nodiscard]] const nlohmann::json& part(const nlohmann::json& object, const char* name);  // an object; else empty

using TableRow = std::vector<std::string>;
// Columns of equal width, each line after `indent`.
[[nodiscard]] std::string table(const std::vector<TableRow>& rows, std::string_view indent);
// "5 s", "3 min", "2 h 5 min", "4 d 1 h"; "-" for an unknown moment.
[[nodiscard]] std::string age(std::int64_t now_us, std::int64_t then_us);

}  // namespace mainstay::cli
