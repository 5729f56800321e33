#include "mainstay/kernel/release.hpp"

#include <sys/utsname.h>

#include <charconv>
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

}  // namespace mainstay::kernel
