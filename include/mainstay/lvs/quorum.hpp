// Quorum with hysteresis, as in keepalived: a service is up while the total weight of its alive servers is sufficient.
#pragma once

#include <cstdint>
#include <string>

#include "desired.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

// The values in use: a quorum above the sum of the configured weights is reduced to that sum, a hysteresis that is not
// below the quorum to quorum - 1 (0 for a quorum of 0). The configuration check reports both.
struct Quorum {
    std::int64_t quorum = 1;
    std::int64_t hysteresis = 0;
    bool operator==(const Quorum&) const = default;
};
[[nodiscard]] Quorum quorum_of(const config::VirtualServer& service);

// Sum of the clamped effective weights of the servers alive.
[[nodiscard]] std::int64_t alive_weight(const ServiceVerdict& verdict);

// Whether the service is up, given whether it was. It goes up at weight >= quorum + hysteresis, and down at weight 0 or
// weight < quorum - hysteresis. Servers of weight 0 alone never make a service up.
[[nodiscard]] bool quorum_holds(const Quorum& quorum, std::int64_t weight, bool was_up);

// keepalived's texts: "1+0=1 <= 2" and "2-0=2 > 1".
[[nodiscard]] std::string gained_text(const Quorum& quorum, std::int64_t weight);
[[nodiscard]] std::string lost_text(const Quorum& quorum, std::int64_t weight, bool never_had = false);
// keepalived's mail prints a lost quorum as if it were gained, "2+0=2 <= 1", with the threshold used.
[[nodiscard]] std::string lost_mail_text(const Quorum& quorum, std::int64_t weight, bool never_had = false);
// For everyone else: "the servers that are up have weight 1, 2 is needed", to gain or to keep it.
[[nodiscard]] std::string plain_quorum_text(const Quorum& quorum, std::int64_t weight, bool gained);

}  // namespace mainstay::lvs
