// VRRP's two computed times. RFC 3768 6.1 and RFC 9568 6.1, with keepalived's down_timer_adverts in place of 3.
#pragma once

#include <cstdint>

#include "mainstay/base/time.hpp"

namespace mainstay::vrrp {

// How long a backup of this priority hangs back: version 2 counts in 1/256 s, version 3 in 1/256 of the master's
// interval. Exact to the nanosecond, because at 10 ms intervals two neighbouring priorities are 40 us apart.
[[nodiscard]] constexpr Nanos skew_time(std::uint8_t version, std::uint8_t priority, Micros master_interval) {
    const Nanos unit = version == 2 ? Nanos{Seconds{1}} : Nanos{master_interval};
    return unit * (256 - priority) / 256;
}

[[nodiscard]] constexpr Nanos master_down_time(std::uint8_t version, std::uint8_t priority, Micros master_interval,
                                               std::uint32_t down_timer_adverts) {
    return Nanos{master_interval} * down_timer_adverts + skew_time(version, priority, master_interval);
}

}  // namespace mainstay::vrrp
