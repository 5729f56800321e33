// What a process keeps of the running configuration, and how the state block of the lvs role is kept small.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/ipc/status.hpp"

namespace mainstay::role {

// The lvs role's state block is kept in memory and has an entry for each of tens of thousands of servers. To keep it
// small, fields that follow from others are omitted when it is written and filled in when it is read.

// Omitted are the name of a server and of a service with an address of its own, the usual forwarding method, and for a
// check that is up its type, if it is the usual one, and its target, if that is the server itself. An older program
// that does not know this takes such a check for a new one, which is up as well.
inline constexpr std::string_view kUsualForwarding = "NAT";
inline constexpr std::string_view kUsualCheck = "TCP_CHECK";

void fill_in_omitted(report::LvsStatus& status);
[[nodiscard]] Result<report::LvsStatus> decode_lvs_block(std::span<const std::byte> bytes);

// The running configuration, as a role's process keeps it beside the role itself.
struct RunningConfig {
    config::Config config;  // without `shown` global_defs alone; else all but the real servers, of which there may be
                            // tens of thousands
    alert::NotifyScripts scripts;
};
[[nodiscard]] RunningConfig to_run(const config::Config& config, bool shown);

}  // namespace mainstay::role
