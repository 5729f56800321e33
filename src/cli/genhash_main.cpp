// mainstay-genhash: keepalived's genhash, under that name and as `mainstayd --genhash`.
#include "genhash.hpp"

int main(int argc, char** argv) { return mainstay::cli::run_genhash(argc, argv); }
