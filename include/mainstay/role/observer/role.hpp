// The observer: turns events into mails and answers `mainstayctl status`. It holds no capability and never slows the
// other roles: it reads their rings and blocks, they never wait for it.
#pragma once

#include <memory>

#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

[[nodiscard]] RoleTraits observer_traits();
[[nodiscard]] std::unique_ptr<Role> make_observer_role(Runtime& runtime);

}  // namespace mainstay::role
