// What mails, dumps and documents say about the host.
#pragma once

#include <unistd.h>

#include <array>
#include <ctime>
#include <string>

#include "mainstay/base/time.hpp"

namespace mainstay::kernel {

[[nodiscard]] inline std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "localhost";
}

[[nodiscard]] inline int utc_offset_s(WallTime wall) {
    const std::time_t now = static_cast<std::time_t>(wall.unix_us / 1'000'000);
    std::tm local{};
    return ::localtime_r(&now, &local) != nullptr ? static_cast<int>(local.tm_gmtoff) : 0;
}

}  // namespace mainstay::kernel
