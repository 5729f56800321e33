#include "descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "mainstay/probe/runner.hpp"

namespace mainstay::role {

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return probe::kConcurrentChecksMax;
    const rlim_t enough = probe::kConcurrentChecksMax + kDescriptorsForOthers;
    if (limit.rlim_cur < enough && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = std::min(enough, limit.rlim_max);
        static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
    }
    static_cast<void>(::getrlimit(RLIMIT_NOFILE, &limit));
    const auto usable = std::max<rlim_t>(limit.rlim_cur, kDescriptorsForOthers + 1) - kDescriptorsForOthers;
    return std::min<std::size_t>(probe::kConcurrentChecksMax, usable);
}

}  // namespace mainstay::role
