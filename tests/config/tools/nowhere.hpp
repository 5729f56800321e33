// A host without interfaces, accounts and scripts.
#pragma once

#include "mainstay/config/load.hpp"

namespace mainstay::config::testing {

inline const Environment kNowhere;

}  // namespace mainstay::config::testing
