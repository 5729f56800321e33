#include "mainstay/kernel/script_environment.hpp"

#include "mainstay/base/script_variables.hpp"

extern char** environ;

namespace mainstay::kernel {

std::vector<std::string> script_environment(const char* const* entries, std::span<const std::string> patterns) {
    std::vector<std::string> kept;
    bool has_path = false;
    for (; entries != nullptr && *entries != nullptr; ++entries) {
        const std::string_view entry{*entries}, name = entry.substr(0, entry.find('='));
        if (name.size() == entry.size() || !scripts_get(name, patterns)) continue;
        has_path = has_path || name == "PATH";
        kept.emplace_back(entry);
    }
    if (!has_path) kept.push_back("PATH=" + std::string{kDefaultPath});
    return kept;
}

std::vector<std::string> withheld_from_scripts(std::span<const std::string> patterns) {
    std::vector<std::string_view> entries;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) entries.emplace_back(*entry);
    return withheld_variables(entries, patterns);
}

}  // namespace mainstay::kernel
