// What a role's process is to be like when global_defs says this.
#pragma once

#include <string>

#include "mainstay/config/load.hpp"
#include "role/common/process.hpp"

namespace mainstay::role::test {

inline ProcessOptions options_of(const std::string& global, Kind kind) {
    return process_options(config::load_text("ha.conf", "global_defs {\n" + global + "\n}\n", {}).config.global, kind);
}

}  // namespace mainstay::role::test
