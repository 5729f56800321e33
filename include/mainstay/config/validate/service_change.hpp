// One virtual server that a reload changes while the others stay as they are, in the same places.
#pragma once

#include <cstddef>

#include "mainstay/config/model.hpp"

namespace mainstay::config {

struct ServiceChange {
    std::size_t at = 0;  // its place among the virtual servers
    VirtualServer before, after;
};

}  // namespace mainstay::config
