#include "descriptors.hpp"

#include <algorithm>

#include "mainstay/kernel/process_limits.hpp"
#include "mainstay/probe/runner.hpp"

namespace mainstay::role {

std::size_t raise_descriptor_limit() {
    const auto allowed = kernel::allow_descriptors(probe::kConcurrentChecksMax + kDescriptorsForOthers);
    const auto usable = std::max<std::uint64_t>(allowed, kDescriptorsForOthers + 1) - kDescriptorsForOthers;
    return std::min<std::size_t>(probe::kConcurrentChecksMax, usable);
}

}  // namespace mainstay::role
