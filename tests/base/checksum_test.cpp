#include "mainstay/base/checksum.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace mainstay;

TEST_CASE("the example of RFC 1071 section 3 sums to ddf2") {
    const std::array<std::byte, 8> data{std::byte{0x00}, std::byte{0x01}, std::byte{0xf2}, std::byte{0x03},
                                        std::byte{0xf4}, std::byte{0xf5}, std::byte{0xf6}, std::byte{0xf7}};

    CHECK(ChecksumSum{}.add(data).finish() == static_cast<std::uint16_t>(~0xddf2 & 0xffff));
}

TEST_CASE("data that holds its own checksum sums to zero") {
    std::array<std::byte, 6> data{std::byte{0x21}, std::byte{0x33}, std::byte{0x64}, std::byte{0x01}};
    const auto sum = ChecksumSum{}.add(data).finish();
    data[4] = std::byte(sum >> 8);
    data[5] = std::byte(sum & 0xff);

    CHECK(ChecksumSum{}.add(data).finish() == 0);
}

TEST_CASE("an odd last byte counts as the high half of a word") {
    const std::array<std::byte, 1> data{std::byte{0xab}};

    CHECK(ChecksumSum{}.add(data).finish() == static_cast<std::uint16_t>(~0xab00 & 0xffff));
}
