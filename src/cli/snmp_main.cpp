// mainstayd-snmp: an executable of its own, so that no other role loads net-snmp. Started by mainstayd.
#include "mainstay/role/snmp/role.hpp"

int main() { return mainstay::role::run_snmp(); }
