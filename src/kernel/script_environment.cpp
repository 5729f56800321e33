#include "mainstay/kernel/script_environment.hpp"

#include <algorithm>
#include <array>

namespace mainstay::kernel {
namespace {

constexpr std::array<std::string_view, 5> kNames{"PATH", "HOME", "TZ", "LANG", "LANGUAGE"};
constexpr std::string_view kLocale = "LC_";

bool is_for_scripts(std::string_view name) {
    return std::ranges::find(kNames, name) != kNames.end() || name.starts_with(kLocale);
}

}  // namespace

std::vector<std::string> script_environment(const char* const* entries) {
    std::vector<std::string> kept;
    bool has_path = false;
    for (; entries != nullptr && *entries != nullptr; ++entries) {
        const std::string_view entry{*entries}, name = entry.substr(0, entry.find('='));
        if (name.size() == entry.size() || !is_for_scripts(name)) continue;
        has_path = has_path || name == "PATH";
        kept.emplace_back(entry);
    }
    if (!has_path) kept.push_back("PATH=" + std::string{kDefaultPath});
    return kept;
}

}  // namespace mainstay::kernel
