#include "mainstay/kernel/landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {
namespace {

// The build machine's header may be older than the running kernel, so newer constants of the ABI are defined here.
constexpr std::uint64_t kRefer = 1ULL << 13, kTruncate = 1ULL << 14, kIoctlDevice = 1ULL << 15;
constexpr std::uint64_t kTcp = 3;                        // bind and connect
constexpr std::uint64_t kScope = 3;                      // abstract sockets and signals
constexpr std::uint64_t kEverything = (1ULL << 13) - 1;  // version 1
constexpr std::uint64_t kOfFiles = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                   LANDLOCK_ACCESS_FS_READ_FILE | kTruncate | kIoctlDevice;
constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = kRead | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
constexpr std::uint64_t kManage = kWrite | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                  LANDLOCK_ACCESS_FS_MAKE_SOCK | kRefer;

struct Attributes {
    std::uint64_t file_system = 0, network = 0, scoped = 0;
};

std::uint64_t file_rights(int version) {
    std::uint64_t rights = kEverything;
    if (version >= 2) rights |= kRefer;
    if (version >= 3) rights |= kTruncate;
    if (version >= 5) rights |= kIoctlDevice;
    return rights;
}

std::uint64_t wanted(PathRule::Access access) {
    switch (access) {
        case PathRule::Access::Read:
            return kRead;
        case PathRule::Access::Write:
            return kWrite;
        case PathRule::Access::Manage:
            break;
    }
    return kManage;
}

Result<void> allow(int ruleset, const PathRule& rule, std::uint64_t known) {
    const UniqueFd place{::open(rule.path.c_str(), O_PATH | O_CLOEXEC)};
    struct stat facts{};
    if (!place || ::fstat(place.get(), &facts) != 0) return {};  // a missing path cannot be opened anyway
    landlock_path_beneath_attr beneath{};
    beneath.allowed_access = wanted(rule.access) & known & (S_ISDIR(facts.st_mode) ? ~0ULL : kOfFiles);
    beneath.parent_fd = place.get();
    if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
        return fail_system("Landlock rule for " + rule.path, errno);
    return {};
}

}  // namespace

int landlock_version() {
    const auto version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : static_cast<int>(version);
}

Result<void> restrict_reach(const Reach& reach) {
    const int version = landlock_version();
    if (version == 0) return fail(Errc::Unsupported, "the kernel has no Landlock");
    const Attributes handled{.file_system = file_rights(version),
                             .network = version >= 4 && !reach.tcp ? kTcp : 0,
                             .scoped = version >= 6 ? kScope : 0};
    const UniqueFd ruleset{static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0))};
    if (!ruleset) return fail_system("make a Landlock ruleset", errno);
    for (const auto& rule : reach.paths)
        if (auto allowed = allow(ruleset.get(), rule, handled.file_system); !allowed) return allowed;
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return fail_system("enter Landlock", errno);
    return {};
}

}  // namespace mainstay::kernel
