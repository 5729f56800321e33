// Persistence keeps sending clients to a server that shall become empty: this is reported, and can be ended.
#pragma once

#include <optional>
#include <string>

#include "operator_overrides.hpp"
#include "services.hpp"

namespace mainstay::lvs {

// What to tell the operator about the persistence of a service that the command names.
[[nodiscard]] std::optional<std::string> remark_on_persistence(const config::VirtualServer& service,
                                                               const ServerCommand& command);
// The kernel has one setting for all services: which other servers it affects. None: it is not set.
[[nodiscard]] std::optional<std::string> remark_on_expiry(const Services& services, const OperatorOverrides& overrides);

}  // namespace mainstay::lvs
