// Accounts, capabilities, names and scheduling of this process.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

struct Account {
    std::uint32_t uid = 0, gid = 0;
};
// Errc::NotFound: no such user or group. An empty group is the user's primary one.
[[nodiscard]] Result<Account> find_account(std::string_view user, std::string_view group = {});

// The groups that /etc/group puts the account's user into; empty when there is no such user.
[[nodiscard]] std::vector<std::uint32_t> supplementary_groups(const Account& account);

// Becomes `account` for good, keeping only these capabilities (CAP_NET_ADMIN, ...) permitted and effective; no
// supplementary groups, nothing in the bounding set, no new privileges. When the process does not run as root,
// nothing is changed: it has what it has.
[[nodiscard]] Result<void> drop_privileges(const Account& account, std::span<const unsigned> capabilities);

// What `ps` shows: at most 15 bytes.
void set_process_name(std::string_view name);
// SCHED_RR, not inherited by children. Needs CAP_SYS_NICE.
[[nodiscard]] Result<void> set_realtime(int priority);

// True when `pid` is alive (also when it belongs to somebody else).
[[nodiscard]] bool process_alive(int pid);
// Absolute path of the running executable.
[[nodiscard]] Result<std::string> own_executable();

// A directory of the daemon: made with its parents if it is missing, owned by `account`.
[[nodiscard]] Result<void> make_directory(const std::string& path, const Account& account, std::uint32_t mode);
// Written to a new file beside it and renamed: a reader sees the old or the new one; no symbolic link is followed.
[[nodiscard]] Result<void> write_file_safely(const std::string& path, std::string_view content, std::uint32_t mode);

}  // namespace mainstay::kernel
