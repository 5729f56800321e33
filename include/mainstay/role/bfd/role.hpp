// The bfd role: gives bfd::Sessions packets and deadlines, and carries out its intents.
#pragma once

#include <memory>

#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

[[nodiscard]] RoleTraits bfd_traits();
[[nodiscard]] std::unique_ptr<Role> make_bfd_role(Runtime& runtime);

}  // namespace mainstay::role
