// What a check found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mainstay/base/time.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/probe/tls.hpp"

namespace mainstay::probe {

struct Finding {
    lvs::Outcome outcome = lvs::Outcome::NotRun;
    std::string reason = {};  // for people: "connected", "connection refused", "timed out after 3 s"
    Micros duration{0};
    std::string words = {};  // keepalived's for the log, without the server's name: "MD5 digest error to server"
    std::optional<std::int64_t> weight = {};  // what the answer of a passed check asks for; none: the configured one
    std::string digest = {};                  // MD5 of the body, when it is not the wanted one
    std::optional<Certificate> certificate = {};  // that the server showed
};

}  // namespace mainstay::probe
