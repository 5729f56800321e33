// The release of the running kernel, and the configuration that it was built with.
#pragma once

#include <string>

namespace mainstay::kernel {

// The release of the running kernel.

// True for this release or a later one: release_at_least(5, 14).
[[nodiscard]] bool release_at_least(unsigned major, unsigned minor);

// The configuration that the running kernel was built with, where the system keeps it: /boot/config-RELEASE.

[[nodiscard]] std::string boot_configuration_path();
// The text of the file, lines "CONFIG_X=y"; empty where there is none.
[[nodiscard]] std::string boot_configuration();

}  // namespace mainstay::kernel
