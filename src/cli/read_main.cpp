// mainstayd-read: reads and checks the configuration. Started by mainstayd.
#include "mainstay/role/reader/reader.hpp"

int main() { return mainstay::role::run_reader(); }
