// toml++, without exceptions, and what has to be looked at before it sees a document.
#pragma once

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mainstay/config/settings.hpp"

namespace mainstay::config {

struct TomlComment {
    std::uint32_t line = 1;
    bool alone = true;      // nothing else stands on its line
    std::string_view text;  // from the # on
};

struct TomlPlace {
    std::uint32_t line = 1, column = 1, length = 1;  // in characters
};
[[nodiscard]] TomlPlace place_of(const toml::source_region& source);

struct TomlProblem {
    TomlPlace place;
    std::string message;
};

struct TomlDocument {
    toml::table root;
    std::vector<TomlComment> comments;  // in order; into the text
};

// Bounds the document, then parses it.
[[nodiscard]] std::variant<TomlDocument, TomlProblem> parse_toml(std::string_view text);

struct SettingsProblem {
    TomlPlace place;
    std::string message, effect, hint;
};
// The daemon's own tables; others are not looked at.
[[nodiscard]] std::vector<SettingsProblem> take_settings(const toml::table& root, Settings& settings);
[[nodiscard]] std::vector<std::string_view> settings_tables();

}  // namespace mainstay::config
