// The lvs role's state block has an entry for each of tens of thousands of servers, and lies in memory: what follows
// from the rest is left out of it, and put in again where it is read.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "mainstay/base/error.hpp"
#include "mainstay/ipc/status.hpp"

namespace mainstay::role {

// Left out is a server's name; that it is reached by NAT; and of a check that is up its type, when it is this, and its
// target, when that is the server itself. A program from before this takes such a check as new, and so as up.
inline constexpr std::string_view kUsualForwarding = "NAT";
inline constexpr std::string_view kUsualCheck = "TCP_CHECK";

void put_in_left_out(ipc::LvsStatus& status);
[[nodiscard]] Result<ipc::LvsStatus> decode_lvs_block(std::span<const std::byte> bytes);

}  // namespace mainstay::role
