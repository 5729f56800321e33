// The vrrp role: gives vrrp::Router packets, deadlines and kernel notifications, and carries out its intents.
#pragma once

#include <chrono>
#include <memory>

#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

[[nodiscard]] RoleTraits vrrp_traits();
[[nodiscard]] std::unique_ptr<Role> make_vrrp_role(Runtime& runtime);

// A process that takes the virtual addresses from this host while no vrrp process runs: another router becomes master
// after three advertisements that did not come, and both would answer. It is a program of its own, because that of the
// role may be what is broken.

[[nodiscard]] RoleTraits address_release_traits();
// Removes the addresses once nothing has been sent for as long as other routers wait at least, and ends. `silent`: for
// how long nothing has been sent at its start.
[[nodiscard]] std::unique_ptr<Role> make_address_release(Runtime& runtime, std::chrono::milliseconds silent);

}  // namespace mainstay::role
