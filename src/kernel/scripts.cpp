#include "mainstay/kernel/scripts.hpp"

#include <sys/stat.h>

#include <array>
#include <climits>
#include <cstdlib>

#include "mainstay/base/script_variables.hpp"

extern char** environ;

namespace mainstay::kernel {

Result<Account> script_account(const config::Command& command, const config::Global& global, const FindAccount& find) {
    if (!command.user.empty()) return find(command.user, command.group);
    if (!global.script_user.empty()) return find(global.script_user, global.script_group);
    if (auto account = find("keepalived_script", {}); account) return account;
    return Account{0, 0};
}

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

namespace {

bool insecure_path(const std::string& resolved) {
    for (std::size_t slash = 0; slash != std::string::npos;) {
        slash = resolved.find('/', slash + 1);
        const std::string part = resolved.substr(0, slash);
        const auto facts = stat_of(part);
        if (!facts || changeable_by_others(*facts)) return true;
    }
    const auto root = stat_of("/");
    return !root || changeable_by_others(*root);
}

bool becomes_root(const struct stat& facts) {
    return ((facts.st_mode & S_ISUID) != 0 && facts.st_uid == 0) ||
           ((facts.st_mode & S_ISGID) != 0 && facts.st_gid == 0);
}

}  // namespace

std::optional<struct stat> stat_of(const std::string& path) {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
    return facts;
}

bool changeable_by_others(const struct stat& facts) {
    if (facts.st_uid != 0) return true;
    if (S_ISDIR(facts.st_mode) && (facts.st_mode & S_ISVTX) != 0) return false;
    return (facts.st_mode & S_IWOTH) != 0 || ((facts.st_mode & S_IWGRP) != 0 && facts.st_gid != 0);
}

std::string real_path(const std::string& path) {
    std::array<char, PATH_MAX> resolved{};
    return ::realpath(path.c_str(), resolved.data()) != nullptr ? std::string{resolved.data()} : path;
}

bool insecure_script(const std::string& path, const Account& account) {
    const auto file = stat_of(path);
    if (!file || (account.uid != 0 && account.gid != 0 && !becomes_root(*file))) return false;
    return insecure_path(path);
}

}  // namespace mainstay::kernel
