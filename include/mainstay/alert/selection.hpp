// What an operator selects of what waits in a spool.
#pragma once

#include <string>
#include <vector>

namespace mainstay::alert {

struct Selection {
    std::vector<std::string> ids;
    bool all = false;  // then there are no ids
    std::string by;    // for the log
};

}  // namespace mainstay::alert
