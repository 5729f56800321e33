// The vrrp role: gives vrrp::Router packets, deadlines and kernel notifications, and carries out its intents.
#pragma once

#include <memory>

#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

[[nodiscard]] RoleTraits vrrp_traits();
[[nodiscard]] std::unique_ptr<Role> make_vrrp_role(Runtime& runtime);

}  // namespace mainstay::role
