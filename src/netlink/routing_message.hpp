// Builds one rtnetlink request about routes or rules.
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel_numbers.hpp"
#include "mainstay/base/ip.hpp"
#include "request_buffer.hpp"

namespace mainstay::netlink {

// A next hop with an MPLS stack takes 120 bytes at most; kMostHops of them and the route itself fit.
inline constexpr std::size_t kRoutingRequestLimit = 20UL * 1024U;

class RoutingMessage : public RequestBuffer<kRoutingRequestLimit> {
public:
    using RequestBuffer::RequestBuffer;

    void put(std::uint16_t type, std::span<const std::byte> bytes) {
        mnl_attr_put(header(), type, bytes.size(), bytes.data());
    }
    void put(std::uint16_t type, const IpAddress& address) { put(type, address.bytes()); }
    void put_u8(std::uint16_t type, std::uint8_t value) { mnl_attr_put_u8(header(), type, value); }
    void put_u16(std::uint16_t type, std::uint16_t value) { mnl_attr_put_u16(header(), type, value); }
    void put_u32(std::uint16_t type, std::uint32_t value) { mnl_attr_put_u32(header(), type, value); }
    [[nodiscard]] nlattr* open(std::uint16_t type) { return mnl_attr_nest_start(header(), type); }
    void close(nlattr* nest) { mnl_attr_nest_end(header(), nest); }
};

}  // namespace mainstay::netlink
