// Where a director's configuration comes from when no file is named.
#pragma once

#include <string>
#include <vector>

namespace mainstay::config {

struct Places {
    std::vector<std::string> files{"/etc/mainstay/mainstay.conf", "/etc/keepalived/keepalived.conf"};
    std::string own = "/etc/mainstay/mainstay.toml";  // only if it says something about the director
};
struct ConfigSource {
    std::string used;                      // empty: there is none
    std::vector<std::string> passed_over;  // those that are there too, and are not read
};
// The first that is there is the only one. A mainstay.toml that is no TOML counts when there is nothing else, so that
// what is wrong with it is told.
[[nodiscard]] ConfigSource find_source(const Places& places = {});

}  // namespace mainstay::config
