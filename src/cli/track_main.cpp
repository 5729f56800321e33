// mainstayd-track: the watcher of tracked files, processes and polled links. Started by mainstayd.
#include "mainstay/role/watcher/role.hpp"

int main() { return mainstay::role::run_watcher(); }
