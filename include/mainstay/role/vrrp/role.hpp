// The vrrp role: drives vrrp::Router with the world's facts and carries its intents out.
#pragma once

#include <memory>

#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

[[nodiscard]] RoleTraits vrrp_traits();
[[nodiscard]] std::unique_ptr<Role> make_vrrp_role(Runtime& runtime);

}  // namespace mainstay::role
