// The observer: sends mails about events and answers `mainstayctl status`. It has no capability, and it reads the other
// roles' rings and blocks, so that they never wait for it.
#pragma once

#include <memory>

#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

[[nodiscard]] RoleTraits observer_traits();
[[nodiscard]] std::unique_ptr<Role> make_observer_role(Runtime& runtime);

}  // namespace mainstay::role
