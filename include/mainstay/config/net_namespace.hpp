#pragma once

#include <string>

#include "mainstay/config/keywords.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::config {

// The network namespace in which the daemon runs: `named` on its command line (-s), else the configuration's; empty:
// the one in which it was started.
[[nodiscard]] inline std::string net_namespace_of(const Config& config, const std::string& named) {
    return named.empty() ? first_word(config.more->values, keyword::net_namespace) : named;
}

}  // namespace mainstay::config
