#include "mainstay/kernel/kernel_release.hpp"

#include <sys/utsname.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

namespace mainstay::kernel {

bool release_at_least(unsigned major, unsigned minor) {
    utsname names{};
    if (uname(&names) != 0) return false;
    const std::string_view text = names.release;  // "6.1.0-18-amd64"
    std::pair<unsigned, unsigned> running;
    const auto [dot, error] = std::from_chars(text.data(), text.data() + text.size(), running.first);
    if (error != std::errc{} || dot == text.data() + text.size()) return false;
    std::from_chars(dot + 1, text.data() + text.size(), running.second);
    return running >= std::pair{major, minor};
}

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
