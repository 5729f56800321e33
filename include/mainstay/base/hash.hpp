// FNV-1a, to detect incomplete writes to shared memory. It does not protect against deliberate changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mainstay {

[[nodiscard]] constexpr std::uint64_t fnv1a(std::span<const std::byte> bytes,
                                            std::uint64_t seed = 0xcbf29ce484222325ULL) {
    for (const std::byte b : bytes) seed = (seed ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3ULL;
    return seed;
}

}  // namespace mainstay
