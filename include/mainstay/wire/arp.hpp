// Gratuitous ARP, RFC 826 and RFC 5227 section 3.
#pragma once

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/wire/ethernet.hpp"

namespace mainstay::wire {

// A broadcast ARP request in which sender and target are both `address`. Invalid for anything but IPv4.
[[nodiscard]] Result<Frame> gratuitous_arp(const MacAddress& sender, const IpAddress& address);

}  // namespace mainstay::wire
