// The replacement of system_calls.cpp in a build without libseccomp.
#include "mainstay/kernel/system_calls.hpp"

namespace mainstay::kernel {

Result<void> restrict_system_calls(std::span<const CallSet>) {
    return fail(Errc::Unsupported, "built without libseccomp (-Dseccomp=enabled)");
}

std::vector<std::string_view> allowed_system_calls(std::span<const CallSet>) { return {}; }

}  // namespace mainstay::kernel
