// What scripts see of the daemon's environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mainstay::kernel {

// Where programs are looked for when the environment has no PATH.
inline constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Of "NAME=value" entries, as environ(7) has them, those that a script gets: PATH, HOME, TZ and the locale. The rest is
// the daemon's own business: what its service manager and its administrator's shell told it, passwords among it. A
// script that is to find its programs always has a PATH.
[[nodiscard]] std::vector<std::string> script_environment(const char* const* entries);

}  // namespace mainstay::kernel
