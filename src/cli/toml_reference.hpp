// The reference of the TOML form, generated from the schema rows: a JSON Schema for editors, and the keyword part of
// mainstay.toml(5).
#pragma once

#include <string>

namespace mainstay::cli {

// JSON Schema, draft 2020-12. Numbers are to be numbers and flags booleans, although mainstay also takes the text that
// keepalived.conf would have.
[[nodiscard]] std::string toml_json_schema();
// As man(7) macros.
[[nodiscard]] std::string toml_reference_roff();

}  // namespace mainstay::cli
