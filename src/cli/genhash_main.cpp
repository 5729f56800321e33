// mainstay-genhash: keepalived's genhash, under that name and as `mainstayd --genhash`.
#include "genhash.hpp"
#include "output.hpp"

int main(int argc, char** argv) {
    return mainstay::cli::finish_output("genhash", mainstay::cli::run_genhash(argc, argv), 1);
}
