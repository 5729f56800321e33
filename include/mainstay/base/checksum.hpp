// The internet checksum, RFC 1071.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mainstay {

// Sums 16-bit big-endian words in one's complement over several pieces. Each piece but the last must have an even
// length.
class ChecksumSum {
public:
    ChecksumSum& add(std::span<const std::byte> bytes);
    ChecksumSum& add_u16(std::uint16_t host_order);
    // The complement of the folded sum in host order, which is the value of the checksum field. Over data that contains
    // a correct checksum the result is 0.
    [[nodiscard]] std::uint16_t finish() const;

private:
    std::uint64_t sum_ = 0;
};

}  // namespace mainstay
