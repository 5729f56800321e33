#include <unistd.h>

#include <cstdio>
#include <string>

#include "mainstay/config/load.hpp"

int main(int argc, char** argv) {
    if (argc != 2) return 1;
    const auto loaded = mainstay::config::load_file(argv[1], {});
    for (const auto& d : loaded.diagnostics) std::fputs(render(d, loaded, isatty(2) != 0).c_str(), stderr);
    return loaded.exit_code();
}
