// Finds the director's configuration if no file is given.
#pragma once

#include <string>
#include <vector>

namespace mainstay::config {

struct Places {
    std::vector<std::string> files{"/etc/mainstay/mainstay.conf", "/etc/keepalived/keepalived.conf"};
    std::string own = "/etc/mainstay/mainstay.toml";  // only if it has tables about the director
};
struct ConfigSource {
    std::string used;                      // empty: none exists
    std::vector<std::string> passed_over;  // further existing files, which are not read
};
// Only the first existing file is used. A mainstay.toml that is not valid TOML is used if no other file exists, so that
// its errors are reported.
[[nodiscard]] ConfigSource find_source(const Places& places = {});

}  // namespace mainstay::config
