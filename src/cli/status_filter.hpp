// The parts of a status document that names select: instances, groups, scripts, BFD sessions, services, servers.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

// Which part of the status a command shows.
enum class StatusSection : std::uint8_t { All, Vrrp, Lvs };  // Vrrp: with the BFD sessions

// True if `pattern` (with * and ?) is a name of a service or a server called `name`, "[10.0.0.1]:tcp:80" or "FWM 5":
// also its address, "10.0.0.1", and its address with the port, "10.0.0.1:80"; "fwmark 5" for a mark.
[[nodiscard]] bool is_called(std::string_view name, std::string_view pattern);

// Removes from `status` what is shown in another section only: the other processes' parts, mails and webhooks.
void keep_section(nlohmann::json& status, StatusSection section);

// Removes from `status` what none of the names selects; without names nothing. A selected service keeps all of its
// servers; of another one, those that are selected. A name "SERVICES/SERVERS" selects servers of those services.
// Errc::NotFound: a name selects nothing; the text suggests the nearest name.
[[nodiscard]] Result<void> keep_only(nlohmann::json& status, const std::vector<std::string>& names);

}  // namespace mainstay::cli
