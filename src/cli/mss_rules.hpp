// The nftables ruleset by which a real server behind a tunnel asks clients for segments that fit into the tunnel. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"

namespace mainstay::cli {

// Bytes of a TCP segment without any header. RFC 9293, 3.7.1: who hears nothing else takes 536.
inline constexpr std::uint16_t kLeastMss = 536, kMostMss = 65535 - 20 - 20;

[[nodiscard]] Result<std::uint16_t> parse_mss(std::string_view text);

// For `nft -f -`; it replaces what an earlier one has set. The MSS option in what these addresses answer to a
// connection's begin is lowered to `mss`; a smaller one stays. `vips` is not empty.
[[nodiscard]] std::string mss_rules(std::uint16_t mss, const std::vector<Prefix>& vips);

}  // namespace mainstay::cli
