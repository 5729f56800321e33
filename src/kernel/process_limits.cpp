#include "mainstay/kernel/process_limits.hpp"

#include <cap-ng.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace mainstay::kernel {
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
