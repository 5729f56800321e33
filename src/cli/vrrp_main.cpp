// mainstayd-vrrp: VRRP, virtual addresses, routes and rules; also the spare. Started by mainstayd.
#include "mainstay/role/vrrp/role.hpp"

int main() { return mainstay::role::run_role(mainstay::role::vrrp_traits(), mainstay::role::make_vrrp_role); }
