// Numbers in the bytes of a packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mainstay::wire {

// The byte must be there.
[[nodiscard]] inline std::uint8_t u8(std::span<const std::byte> bytes, std::size_t at) {
    return std::to_integer<std::uint8_t>(bytes[at]);
}

}  // namespace mainstay::wire
