#include "mainstay/base/checksum.hpp"

namespace mainstay {

ChecksumSum& ChecksumSum::add(std::span<const std::byte> bytes) {
    std::size_t i = 0;
    for (; i + 1 < bytes.size(); i += 2)
        sum_ += std::to_integer<std::uint32_t>(bytes[i]) << 8 | std::to_integer<std::uint32_t>(bytes[i + 1]);
    if (i < bytes.size()) sum_ += std::to_integer<std::uint32_t>(bytes[i]) << 8;
    return *this;
}

ChecksumSum& ChecksumSum::add_u16(std::uint16_t host_order) {
    sum_ += host_order;
    return *this;
}

std::uint16_t ChecksumSum::finish() const {
    std::uint64_t sum = sum_;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum & 0xffff);
}

}  // namespace mainstay
