#include "mainstay/kernel/boot_configuration.hpp"

#include <sys/utsname.h>

#include <fstream>
#include <iterator>

namespace mainstay::kernel {

std::string boot_configuration_path() {
    utsname kernel{};
    if (::uname(&kernel) != 0) return {};
    return std::string{"/boot/config-"} + kernel.release;  // NOLINT(*-array-to-pointer-decay): of C
}

std::string boot_configuration() {
    std::ifstream file{boot_configuration_path()};
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace mainstay::kernel
