// What a check found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "mainstay/base/time.hpp"
#include "mainstay/lvs/judge.hpp"
#include "tls.hpp"

namespace mainstay::probe {

struct Finding {
    lvs::Outcome outcome = lvs::Outcome::NotRun;
    std::string reason = {};  // for people: "connected", "connection refused", "timed out after 3 s"
    Micros duration{0};
    std::string words = {};  // keepalived's for the log, without the server's name: "MD5 digest error to server"
    std::optional<std::int64_t> weight = {};  // what the answer of a passed check asks for; none: the configured one
    std::string digest = {};                  // MD5 of the body, when it is not the wanted one
    std::optional<Certificate> certificate = {};       // that the server showed
    std::optional<std::uint32_t> weight_percent = {};  // the same as a part of the configured one
};

// Within coroutines, where GCC 12 destroys the members of an aggregate that is written out there twice.
[[nodiscard]] inline Finding found(lvs::Outcome outcome, std::string reason, std::string words = {}) {
    Finding finding;
    finding.outcome = outcome;
    finding.reason = std::move(reason);
    finding.words = std::move(words);
    return finding;
}

}  // namespace mainstay::probe
