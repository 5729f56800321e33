// mainstayd-lvs: health checks and the IPVS table. Started by mainstayd.
#include "mainstay/role/lvs/role.hpp"

int main() {
    using namespace mainstay;
    return role::run_role(role::lvs_traits(), [](role::Runtime& runtime) { return role::make_lvs_role(runtime); });
}
