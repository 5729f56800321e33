#include <unistd.h>

#include <string>
#include <string_view>

#include "mainstay/cli/config_test.hpp"

// mainstay-conftest [-t] [-f] FILE: the options are those with which a daemon is asked to test a file.
int main(int argc, char** argv) {
    std::string file;
    for (int i = 1; i < argc; ++i)
        if (const std::string_view word{argv[i]}; !word.starts_with('-')) file = word;
    return mainstay::cli::run_config_test(file, {}, ::isatty(STDERR_FILENO) == 1);
}
