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

// Switches irrevocably to `account`, with only these capabilities (CAP_NET_ADMIN, ...) permitted and effective, no
// supplementary groups, an empty bounding set and no_new_privs. Does nothing if the process does not run as root.
[[nodiscard]] Result<void> drop_privileges(const Account& account, std::span<const unsigned> capabilities);

// What `ps` shows: at most 15 bytes.
void set_process_name(std::string_view name);
// SCHED_RR, not inherited by children. Needs CAP_SYS_NICE.
[[nodiscard]] Result<void> set_realtime(int priority);

// True when `pid` is alive, whoever owns it. One that has ended is not, though nobody has reaped it: in a container
// whose first process reaps nothing it stays for ever, with its name.
[[nodiscard]] bool process_alive(int pid);
// Processes that outlive the one that started them, below this one, become this one's children
// (PR_SET_CHILD_SUBREAPER).
void adopt_orphans();
// Absolute path of the running executable.
[[nodiscard]] Result<std::string> own_executable();

// Creates a directory of the daemon, with its parents, if it is missing; `account` owns it.
[[nodiscard]] Result<void> make_directory(const std::string& path, const Account& account, std::uint32_t mode);
// Writes a new file beside it and renames that, so that a reader sees the old or the new one. Follows no symbolic link.
[[nodiscard]] Result<void> write_file_safely(const std::string& path, std::string_view content, std::uint32_t mode);

// Resource limits of processes.
struct ProcessLimits {
    std::uint64_t descriptors = 0;    // RLIMIT_NOFILE
    std::uint64_t address_space = 0;  // RLIMIT_AS, bytes
    std::uint64_t file_size = 0;      // RLIMIT_FSIZE, bytes; 0: as it is
};

// Both functions set the soft and the hard limits, at most to this process's own hard limits. This one is for a child
// between vfork() and exec; it returns 0 or errno.
[[nodiscard]] int limit_self(const ProcessLimits& limits);
// Sets the limits of a running process, which may belong to another account.
[[nodiscard]] Result<void> limit_process(int pid, const ProcessLimits& limits);
// Whether this process may do that and raise hard limits: needs CAP_SYS_RESOURCE, which containers may lack.
[[nodiscard]] bool may_raise_limits();
// Raises this process's soft limit of open descriptors to `wanted`, at most to the hard limit. Returns what it is then.
[[nodiscard]] std::uint64_t allow_descriptors(std::uint64_t wanted);
// The RLIMIT_AS of this process in bytes; 0: none.
[[nodiscard]] std::uint64_t own_address_space_limit();

}  // namespace mainstay::kernel
