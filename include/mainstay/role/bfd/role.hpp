// The bfd role: drives bfd::Sessions with the world's facts and carries its intents out.
#pragma once

#include <memory>

#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

[[nodiscard]] RoleTraits bfd_traits();
[[nodiscard]] std::unique_ptr<Role> make_bfd_role(Runtime& runtime);

}  // namespace mainstay::role
