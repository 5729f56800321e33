// What a check found.
#pragma once

#include <string>

#include "mainstay/base/time.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::probe {

struct Finding {
    lvs::Outcome outcome = lvs::Outcome::NotRun;
    std::string reason;  // for people: "connected", "connection refused", "timed out after 3 s"
    Micros duration{0};
    std::string words = {};  // keepalived's for the log, without the server's name: "MD5 digest error to server"
};

}  // namespace mainstay::probe
