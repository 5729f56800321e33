// Types and helpers that the builders of Ethernet frames share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mainstay::wire {

using MacAddress = std::array<std::byte, 6>;
using Frame = std::vector<std::byte>;  // an Ethernet frame without its frame check sequence

inline constexpr MacAddress kBroadcastMac{std::byte{0xff}, std::byte{0xff}, std::byte{0xff},
                                          std::byte{0xff}, std::byte{0xff}, std::byte{0xff}};

}  // namespace mainstay::wire
