// The skew time and the master-down interval. RFC 3768 6.1 and RFC 9568 6.1, with keepalived's down_timer_adverts
// instead of 3.
#pragma once

#include <cstdint>

#include "mainstay/base/time.hpp"

namespace mainstay::vrrp {

// The skew time of a backup with this priority: in version 2 a multiple of 1/256 s, in version 3 of 1/256 of the
// master's interval. In nanoseconds, because at 10 ms intervals two neighbouring priorities differ by 40 us.
[[nodiscard]] constexpr Nanos skew_time(std::uint8_t version, std::uint8_t priority, Micros master_interval) {
    const Nanos unit = version == 2 ? Nanos{Seconds{1}} : Nanos{master_interval};
    return unit * (256 - priority) / 256;
}

[[nodiscard]] constexpr Nanos master_down_time(std::uint8_t version, std::uint8_t priority, Micros master_interval,
                                               std::uint32_t down_timer_adverts) {
    return Nanos{master_interval} * down_timer_adverts + skew_time(version, priority, master_interval);
}

// The priorities of adverts that no configuration gives.

inline constexpr std::uint8_t kReducedPriority = 254;    // of an address owner while there is another owner
inline constexpr std::uint8_t kMaintenancePriority = 1;  // the lowest: every other router is preferred

}  // namespace mainstay::vrrp
