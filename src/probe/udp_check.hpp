// UDP_CHECK: sends one datagram. An ICMP error fails the check; silence passes it unless a reply is required.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"

namespace mainstay::probe {

struct UdpCheck {
    struct Wanted {  // one byte of the reply's beginning
        std::byte value{0}, mask{0xff};
    };
    Connection connection;
    std::vector<std::byte> payload;
    bool reply_required = false;
    std::vector<Wanted> pattern;  // empty: any reply will do, of any length
    std::size_t reply_min = 0, reply_max = 255;
};
[[nodiscard]] UdpCheck udp_check_of(const config::Checker& checker);

[[nodiscard]] boost::asio::awaitable<Finding> udp_check(UdpCheck check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
