// The result of one probe.
#pragma once

#include <algorithm>
#include <cstddef>
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
    std::string words = {};  // keepalived's log text, without the server's name: "MD5 digest error to server"
    std::optional<std::int64_t> weight = {};      // requested by the answer of a passed check; none: the configured one
    std::string digest = {};                      // MD5 of the body, if it differs from the expected one
    std::optional<Certificate> certificate = {};  // the server's certificate
    std::optional<std::uint32_t> weight_percent = {};  // the same as a part of the configured one
};

// For use in coroutines: GCC 12 destroys the members of an aggregate initialised there twice.
[[nodiscard]] inline Finding found(lvs::Outcome outcome, std::string reason, std::string words = {}) {
    Finding finding;
    finding.outcome = outcome;
    finding.reason = std::move(reason);
    finding.words = std::move(words);
    return finding;
}
[[nodiscard]] inline Finding failed(std::string reason, std::string words) {
    return found(lvs::Outcome::Failed, std::move(reason), std::move(words));
}

// What a server sent, for a reason: at most so many bytes, without control characters.
[[nodiscard]] inline std::string printable(std::string text, std::size_t most) {
    text.resize(std::min(text.size(), most));
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return text;
}

}  // namespace mainstay::probe
