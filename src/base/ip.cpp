#include "mainstay/base/ip.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace mainstay {

IpAddress IpAddress::v4(std::uint32_t host_order) {
    const std::array<std::byte, 4> bytes{std::byte(host_order >> 24), std::byte(host_order >> 16),
                                         std::byte(host_order >> 8), std::byte(host_order)};
    return v4(std::span<const std::byte, 4>{bytes});
}

IpAddress IpAddress::v4(std::span<const std::byte, 4> network_order) {
    IpAddress address;
    address.family_ = Family::V4;
    std::ranges::copy(network_order, address.bytes_.begin());
    return address;
}

IpAddress IpAddress::v6(std::span<const std::byte, 16> network_order) {
    IpAddress address;
    address.family_ = Family::V6;
    std::ranges::copy(network_order, address.bytes_.begin());
    return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN + 1> buffer{};
    if (text.empty() || text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
    std::ranges::copy(text, buffer.begin());

    IpAddress address;
    if (inet_pton(AF_INET, buffer.data(), address.bytes_.data()) == 1) {
        address.family_ = Family::V4;
        return address;
    }
    if (inet_pton(AF_INET6, buffer.data(), address.bytes_.data()) == 1) {
        address.family_ = Family::V6;
        return address;
    }
    return std::nullopt;
}

bool IpAddress::is_multicast() const {
    if (is_v4()) return (std::to_integer<unsigned>(bytes_[0]) & 0xf0U) == 0xe0U;
    return is_v6() && bytes_[0] == std::byte{0xff};
}

bool IpAddress::is_link_local_v6() const {
    return is_v6() && bytes_[0] == std::byte{0xfe} && (std::to_integer<unsigned>(bytes_[1]) & 0xc0U) == 0x80U;
}

bool IpAddress::is_any() const {
    return std::ranges::all_of(bytes(), [](std::byte byte) { return byte == std::byte{0}; });
}

std::uint32_t IpAddress::v4_host_order() const {
    if (!is_v4()) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(bytes_[i]);
    return value;
}

std::string IpAddress::to_string() const {
    if (empty()) return {};
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), buffer.data(), buffer.size());
    return buffer.data();
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    const std::uint8_t longest = address->is_v4() ? 32 : 128;
    if (slash == std::string_view::npos) return Prefix{*address, longest};

    const std::string_view digits = text.substr(slash + 1);
    unsigned length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc{} || end != digits.data() + digits.size() || length > longest) return std::nullopt;
    return Prefix{*address, static_cast<std::uint8_t>(length)};
}

std::string Prefix::to_string() const { return address.to_string() + "/" + std::to_string(length); }

bool Prefix::contains(const IpAddress& other) const {
    if (other.family() != address.family()) return false;
    const auto mine = address.bytes();
    const auto theirs = other.bytes();
    const std::size_t whole = length / 8U;
    if (!std::ranges::equal(mine.first(whole), theirs.first(whole))) return false;
    const unsigned rest = length % 8U;
    if (rest == 0) return true;
    const auto mask = static_cast<std::byte>(0xffU << (8U - rest));
    return (mine[whole] & mask) == (theirs[whole] & mask);
}

std::string Endpoint::to_string() const {
    if (address.is_v6()) return "[" + address.to_string() + "]:" + std::to_string(port);
    return address.to_string() + ":" + std::to_string(port);
}

}  // namespace mainstay
