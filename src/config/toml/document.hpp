// Wraps toml++: checks and bounds a document before toml++ parses it. Its exceptions are caught in parse_toml().
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// toml++ 3.3 asserts what a damaged document can break ("[" before a NUL or a byte that is no UTF-8), and without
// assertions goes on as if it held. Here it is one more error of the document, whether or not NDEBUG is set.
namespace mainstay::config {
[[noreturn]] inline void toml_is_broken(const char* condition) { throw std::logic_error{condition}; }
}  // namespace mainstay::config
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? void() : ::mainstay::config::toml_is_broken(#condition))
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

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
    std::string message, effect, fix;
};
// The daemon's own tables; others are not looked at.
[[nodiscard]] std::vector<SettingsProblem> take_settings(const toml::table& root, Settings& settings);
[[nodiscard]] std::vector<std::string_view> settings_tables();
// The value of the key webhook, which is at `key_place`.
void take_webhooks(const toml::node& value, const TomlPlace& key_place, std::vector<Webhook>& webhooks,
                   std::vector<SettingsProblem>& problems);

}  // namespace mainstay::config
