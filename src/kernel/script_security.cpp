#include "mainstay/kernel/script_security.hpp"

#include <sys/stat.h>

#include <array>
#include <climits>
#include <cstdlib>

namespace mainstay::kernel {
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
