// The configuration that the running kernel was built with, where the system keeps it: /boot/config-RELEASE.
#pragma once

#include <string>

namespace mainstay::kernel {

[[nodiscard]] std::string boot_configuration_path();
// The text of the file, lines "CONFIG_X=y"; empty where there is none.
[[nodiscard]] std::string boot_configuration();

}  // namespace mainstay::kernel
