// Bits of VirtualServer::scheduler_flags: IP_VS_SVC_F_ONEPACKET, _SCHED1, _SCHED2 and _SCHED3 of the kernel.
#pragma once

#include <cstdint>

namespace mainstay::config {

inline constexpr std::uint32_t kOnePacket = 0x04;
inline constexpr std::uint32_t kFlag1 = 0x08, kFlag2 = 0x10, kFlag3 = 0x20;
inline constexpr std::uint32_t kHashFallback = kFlag1, kHashPort = kFlag2;  // of sh and mh

}  // namespace mainstay::config
