// Persistence keeps sending clients to a drained server: this is reported, and can be ended (--expire-persistence).
#pragma once

#include <optional>
#include <string>

#include "operator_overrides.hpp"
#include "services.hpp"

namespace mainstay::lvs {

// A note for the operator about the persistence of a service that the command concerns.
[[nodiscard]] std::optional<std::string> remark_on_persistence(const config::VirtualServer& service,
                                                               const ServerCommand& command);
// A note about the other servers that are affected, because the kernel has one setting for all services. None: the
// setting is not used.
[[nodiscard]] std::optional<std::string> remark_on_expiry(const Services& services, const OperatorOverrides& overrides);

}  // namespace mainstay::lvs
