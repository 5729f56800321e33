// BFD's computed times and its state table, RFC 5880 6.8.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "mainstay/base/time.hpp"
#include "mainstay/wire/bfd.hpp"

namespace mainstay::bfd {

// RFC 5880 6.8.7: every interval is randomly shortened by up to a quarter, so that sessions do not synchronise; with a
// multiplier of 1 by at least a tenth, because a single late packet would then take the session down.
[[nodiscard]] constexpr Nanos jittered(Micros interval, std::uint8_t multiplier, std::uint32_t random) {
    const Nanos whole = interval;
    const Nanos least = multiplier == 1 ? whole / 10 : Nanos{0};
    const Nanos spread = whole / 4 - least;
    return whole - least - spread * (random >> 16) / 0xffff;
}

// RFC 5880 6.8.4: the detection time. `remote_min_tx` is the neighbour's Desired Min TX Interval.
[[nodiscard]] constexpr Micros detection_time(std::uint8_t remote_multiplier, Micros min_rx, Micros remote_min_tx) {
    return remote_multiplier * std::max(min_rx, remote_min_tx);
}

// RFC 5880 6.8.6: the new state after a received state; none if it does not change.
[[nodiscard]] constexpr std::optional<wire::BfdState> next_state(wire::BfdState ours, wire::BfdState heard) {
    using enum wire::BfdState;
    if (ours == AdminDown) return std::nullopt;
    if (heard == AdminDown) return ours == Down ? std::nullopt : std::optional{Down};
    if (ours == Down) return heard == Down ? std::optional{Init} : heard == Init ? std::optional{Up} : std::nullopt;
    if (ours == Init) return heard == Down ? std::nullopt : std::optional{Up};
    return heard == Down ? std::optional{Down} : std::nullopt;
}

}  // namespace mainstay::bfd
