// One rtnetlink request about routing, built by libmnl in a buffer that every request fits into.
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mainstay/base/ip.hpp"

namespace mainstay::netlink {

inline constexpr std::uint8_t kFamilyV4 = 2, kFamilyV6 = 10;  // AF_INET, AF_INET6

class RoutingMessage {
public:
    // A next hop with an MPLS stack takes 120 bytes at most; kMostHops of them and the route itself fit.
    static constexpr std::size_t kLimit = 20U * 1024U;

    RoutingMessage(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence)
        : header_{mnl_nlmsg_put_header(bytes_.data())} {
        header_->nlmsg_type = type;
        header_->nlmsg_flags = flags;
        header_->nlmsg_seq = sequence;
    }
    [[nodiscard]] nlmsghdr* header() { return header_; }
    template <class T>
    [[nodiscard]] T* body() {
        return static_cast<T*>(mnl_nlmsg_put_extra_header(header_, sizeof(T)));
    }
    void put(std::uint16_t type, std::span<const std::byte> bytes) {
        mnl_attr_put(header_, type, bytes.size(), bytes.data());
    }
    void put(std::uint16_t type, const IpAddress& address) { put(type, address.bytes()); }
    void put_u8(std::uint16_t type, std::uint8_t value) { mnl_attr_put_u8(header_, type, value); }
    void put_u16(std::uint16_t type, std::uint16_t value) { mnl_attr_put_u16(header_, type, value); }
    void put_u32(std::uint16_t type, std::uint32_t value) { mnl_attr_put_u32(header_, type, value); }
    [[nodiscard]] nlattr* open(std::uint16_t type) { return mnl_attr_nest_start(header_, type); }
    void close(nlattr* nest) { mnl_attr_nest_end(header_, nest); }
    void append_to(std::vector<std::byte>& out) const {
        const auto used = std::span{bytes_}.first(header_->nlmsg_len);
        out.insert(out.end(), used.begin(), used.end());
    }

private:
    alignas(NLMSG_ALIGNTO) std::array<std::byte, kLimit> bytes_{};
    nlmsghdr* header_;
};

}  // namespace mainstay::netlink
