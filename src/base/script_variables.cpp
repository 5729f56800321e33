#include "mainstay/base/script_variables.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "mainstay/base/text.hpp"

namespace mainstay {
namespace {

constexpr std::size_t kPatternBytesMax = 128;

constexpr auto kAlways = std::to_array<std::string_view>({"PATH", "HOME", "TZ", "LANG", "LANGUAGE", "LC_*"});

// They decide which program a script runs, or what that loads or reads before its own first line.
constexpr auto kDecisive = std::to_array<std::string_view>({
    "PATH",           "LD_*",       "IFS",           "ENV",        "BASH_ENV",     "BASH_FUNC_*",
    "BASHOPTS",       "SHELLOPTS",  "CDPATH",        "GLOBIGNORE", "PS4",          "PERL5LIB",
    "PERL5OPT",       "PERLLIB",    "RUBYLIB",       "RUBYOPT",    "NODE_OPTIONS", "NODE_PATH",
    "PYTHONPATH",     "PYTHONHOME", "PYTHONSTARTUP", "GCONV_PATH", "LOCPATH",      "NLSPATH",
    "GLIBC_TUNABLES", "MALLOC_*",   "GETCONF_DIR",
});

// For the daemon itself: who has them could speak for it, or take its descriptors.
constexpr auto kOfDaemon = std::to_array<std::string_view>(
    {"NOTIFY_SOCKET", "WATCHDOG_*", "LISTEN_*", "MAINPID", "CREDENTIALS_DIRECTORY", "MAINSTAY_*"});

// Set by systemd, a shell, a login or a container's runtime, whoever runs the daemon: nobody means them for its
// scripts.
constexpr auto kUsual = std::to_array<std::string_view>({
    // a shell and a login
    "_",
    "SHELL",
    "SHLVL",
    "PWD",
    "OLDPWD",
    "USER",
    "LOGNAME",
    "MAIL",
    "TERM",
    "COLORTERM",
    "COLUMNS",
    "LINES",
    "DISPLAY",
    "EDITOR",
    "PAGER",
    "LS_COLORS",
    "LESSOPEN",
    "LESSCLOSE",
    "SSH_*",
    "SUDO_*",
    "XDG_*",
    "DBUS_SESSION_BUS_ADDRESS",
    "TMPDIR",
    "DEBIAN_FRONTEND",
    // systemd
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "SYSTEMD_*",
    "MANAGERPID",
    "MANAGERPIDFDID",
    "MEMORY_PRESSURE_*",
    "FDSTORE",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    // a container's runtime
    "HOSTNAME",
    "container",
    "container_*",
    "KUBERNETES_*",
});

bool is_in(std::span<const std::string_view> table, std::string_view name) {
    return std::ranges::any_of(table, [name](std::string_view pattern) { return is_like(name, pattern); });
}

}  // namespace

const char* fault_of_passed_variable(std::string_view pattern) {
    if (pattern.empty() || is_digit(pattern.front()) || pattern.size() > kPatternBytesMax ||
        !std::ranges::all_of(pattern, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '*'; }))
        return "it is no name of a variable, nor a pattern of one with *";
    // A pattern stands for the names that it begins: LD_* is refused, L* is not, and passes no LD_PRELOAD.
    const std::string_view name = pattern.substr(0, pattern.find_last_not_of('*') + 1);
    if (is_in(kAlways, name)) return "scripts get it in any case";
    if (is_in(kDecisive, name)) return "it decides what a script runs or loads";
    if (is_in(kOfDaemon, name)) return "it is for the daemon alone";
    return nullptr;
}

bool scripts_get(std::string_view name, std::span<const std::string> patterns) {
    if (is_in(kAlways, name)) return true;
    if (is_in(kDecisive, name) || is_in(kOfDaemon, name)) return false;
    return std::ranges::any_of(patterns, [name](const std::string& pattern) { return is_like(name, pattern); });
}

std::vector<std::string> withheld_variables(std::span<const std::string_view> entries,
                                            std::span<const std::string> patterns) {
    std::vector<std::string> names;
    for (const std::string_view entry : entries) {
        const std::string_view name = entry.substr(0, entry.find('='));
        // An odd name cannot be passed, and has no place in a line of a log.
        if (name.size() == entry.size() || name.find('*') != std::string_view::npos || is_in(kUsual, name) ||
            fault_of_passed_variable(name) != nullptr || scripts_get(name, patterns))
            continue;
        names.emplace_back(name);
    }
    std::ranges::sort(names);
    const auto [first, last] = std::ranges::unique(names);
    names.erase(first, last);
    return names;
}

std::vector<std::string> withheld_variables(std::string_view environ_file, std::span<const std::string> patterns) {
    std::vector<std::string_view> entries;
    while (!environ_file.empty()) {
        const std::size_t end = std::min(environ_file.find('\0'), environ_file.size());
        entries.push_back(environ_file.substr(0, end));
        environ_file.remove_prefix(std::min(end + 1, environ_file.size()));
    }
    return withheld_variables(entries, patterns);
}

std::string listed_variables(const std::vector<std::string>& names) {
    constexpr std::size_t kShown = 10;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i == 0 ? "" : ", ") + names[i];
    return names.size() <= kShown ? text : text + " and " + std::to_string(names.size() - kShown) + " more";
}

}  // namespace mainstay
