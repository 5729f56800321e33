#include "mainstay/kernel/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cap-ng.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string>
#include <vector>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/new_file.hpp"

namespace mainstay::kernel {

std::vector<std::uint32_t> supplementary_groups(const Account& account) {
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(account.uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return {};
    int count = 0;
    (void)::getgrouplist(entry.pw_name, account.gid, nullptr, &count);  // says how many there are
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(count, 1)));
    if (::getgrouplist(entry.pw_name, account.gid, groups.data(), &count) < 0) return {};
    groups.resize(static_cast<std::size_t>(count));
    return {groups.begin(), groups.end()};
}

// ":group" selects the supplementary groups as well, ":" alone the user's own group and the supplementary ones.
Result<Account> find_account(std::string_view user, std::string_view group) {
    if (group.starts_with(':')) group.remove_prefix(1);
    Account account;
    std::vector<char> buffer(16384);
    const std::string name{user};
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return fail(Errc::NotFound, "there is no user " + name);
    account = {entry.pw_uid, entry.pw_gid};
    if (group.empty()) return account;
    const std::string group_name{group};
    ::group group_entry{};
    ::group* group_found = nullptr;
    if (::getgrnam_r(group_name.c_str(), &group_entry, buffer.data(), buffer.size(), &group_found) != 0 ||
        group_found == nullptr)
        return fail(Errc::NotFound, "there is no group " + group_name);
    account.gid = group_entry.gr_gid;
    return account;
}

Result<void> drop_privileges(const Account& account, std::span<const unsigned> capabilities) {
    if (::geteuid() != 0) return {};
    capng_clear(CAPNG_SELECT_BOTH);
    for (const unsigned capability : capabilities)
        if (capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), capability) != 0)
            return fail(Errc::Permission, "capability " + std::to_string(capability) + " cannot be kept");
    errno = 0;
    const int failed = capng_change_id(static_cast<int>(account.uid), static_cast<int>(account.gid),
                                       static_cast<capng_flags_t>(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
    if (failed != 0 && errno == EINVAL)
        return fail(Errc::Permission, "changing to user " + std::to_string(account.uid) + " and group " +
                                          std::to_string(account.gid) +
                                          " failed: this user namespace has no such ids (uid_map, gid_map)");
    if (failed != 0)
        return fail(Errc::Permission, "changing to user " + std::to_string(account.uid) +
                                          " failed: capng_change_id answered " + std::to_string(failed));
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_system("prctl NO_NEW_PRIVS", errno);
    // The change of user makes a process undumpable, which gives its /proc files to root; a role must stay observable.
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return {};
}

void set_process_name(std::string_view name) {
    const std::string text{name.substr(0, 15)};
    ::prctl(PR_SET_NAME, text.c_str(), 0, 0, 0);
}

Result<void> set_realtime(int priority) {
    sched_param parameters{};
    parameters.sched_priority = priority;
    if (::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) != 0)
        return fail_system("sched_setscheduler SCHED_RR " + std::to_string(priority), errno);
    return {};
}

namespace {

// Of /proc/PID/stat, "PID (NAME) STATE ...", where the name may hold anything. 0: it cannot be read.
char state_of(int pid) {
    const UniqueFd fd{::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC)};
    std::array<char, 256> bytes{};
    const auto got = fd ? ::read(fd.get(), bytes.data(), bytes.size()) : -1;
    const std::string_view text{bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
    const std::size_t close = text.rfind(')');
    return close == std::string_view::npos || close + 2 >= text.size() ? '\0' : text[close + 2];
}

}  // namespace

bool process_alive(int pid) {
    if (pid <= 0 || (::kill(pid, 0) != 0 && errno != EPERM)) return false;
    const char state = state_of(pid);
    return state != 'Z' && state != 'X';
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

Result<std::string> own_executable() {
    std::array<char, PATH_MAX> path{};
    const auto length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    if (length < 0) return fail_system("readlink /proc/self/exe", errno);
    return std::string{path.data(), static_cast<std::size_t>(length)};
}

Result<void> make_directory(const std::string& path, const Account& account, std::uint32_t mode) {
    for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
        if (::mkdir(path.substr(0, at).c_str(), 0755) != 0 && errno != EEXIST)
            return fail_system("mkdir " + path.substr(0, at), errno);
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return fail_system("mkdir " + path, errno);
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!fd) return fail_system("open directory " + path, errno);
    if (::geteuid() == 0 && (::fchown(fd.get(), account.uid, account.gid) != 0 || ::fchmod(fd.get(), mode) != 0))
        return fail_system("give " + path + " to user " + std::to_string(account.uid), errno);
    return {};
}

Result<void> write_file_safely(const std::string& path, std::string_view content, std::uint32_t mode) {
    auto file = NewFile::beside(path);
    if (!file) return error_of(file);
    const auto bytes = std::as_bytes(std::span{content});
    if (auto written = write_all(file->descriptor(), bytes, "write " + path); !written) return written;
    return file->put_in_place(mode);
}

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool kLimitsAddressSpace = false;  // the sanitizer maps terabytes
#else
constexpr bool kLimitsAddressSpace = true;
#endif

int limit(int pid, __rlimit_resource resource, std::uint64_t value) {
    rlimit own{};
    if (::getrlimit(resource, &own) != 0) return errno;
    const rlim_t bound = std::min<rlim_t>(value, own.rlim_max);
    const rlimit both{bound, bound};
    return ::prlimit(pid, resource, &both, nullptr) == 0 ? 0 : errno;
}

constexpr int kSelf = 0;

int limit_all(int pid, const ProcessLimits& limits) {
    if (const int error = limit(pid, RLIMIT_NOFILE, limits.descriptors); error != 0) return error;
    if (limits.file_size != 0)
        if (const int error = limit(pid, RLIMIT_FSIZE, limits.file_size); error != 0) return error;
    return kLimitsAddressSpace ? limit(pid, RLIMIT_AS, limits.address_space) : 0;
}

}  // namespace

int limit_self(const ProcessLimits& limits) { return limit_all(kSelf, limits); }

Result<void> limit_process(int pid, const ProcessLimits& limits) {
    const int error = limit_all(pid, limits);
    return error == 0 ? Result<void>{} : fail_system("prlimit of process " + std::to_string(pid), error);
}

bool may_raise_limits() {
    return capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_RESOURCE) == 1;
}

std::uint64_t allow_descriptors(std::uint64_t wanted) {
    rlimit own{};
    if (::getrlimit(RLIMIT_NOFILE, &own) != 0) return 0;
    if (own.rlim_cur >= wanted) return own.rlim_cur;
    const rlimit raised{std::min<rlim_t>(wanted, own.rlim_max), own.rlim_max};
    return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : own.rlim_cur;
}

std::uint64_t own_address_space_limit() {
    rlimit own{};
    return ::getrlimit(RLIMIT_AS, &own) == 0 && own.rlim_cur != RLIM_INFINITY ? own.rlim_cur : 0;
}

}  // namespace mainstay::kernel
