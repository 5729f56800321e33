// The command of a script without arguments.
#pragma once

#include "mainstay/config/model.hpp"

namespace mainstay::alert {

inline config::Command command(const char* path) { return {.argv = {path}, .user = {}, .group = {}}; }

}  // namespace mainstay::alert
