// A virtual server that a reload changes while its position and all others stay unchanged.
#pragma once

#include <cstddef>

#include "mainstay/config/model.hpp"

namespace mainstay::config {

struct ServiceChange {
    std::size_t at = 0;  // its index among the virtual servers
    VirtualServer before, after;
};

}  // namespace mainstay::config
