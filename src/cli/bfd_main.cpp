// mainstayd-bfd: BFD sessions. Started by mainstayd.
#include "mainstay/role/bfd/role.hpp"

int main() { return mainstay::role::run_role(mainstay::role::bfd_traits(), mainstay::role::make_bfd_role); }
