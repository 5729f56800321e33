#include "output.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace mainstay::cli {
namespace {

// The reason of the first failure: the stream itself remembers only that there was one.
int& first_errno() {
    static int number = 0;
    return number;
}

}  // namespace

void print(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() && first_errno() == 0) first_errno() = errno;
}

void print_error(std::string_view text) { (void)std::fwrite(text.data(), 1, text.size(), stderr); }

int finish_output(std::string_view program, int exit_code, int when_lost) {
    if (std::fflush(stdout) != 0 && first_errno() == 0) first_errno() = errno;
    if (std::ferror(stdout) == 0 && first_errno() == 0) return exit_code;
    print_error(fmt::format("{}: cannot write to the standard output: {}\n", program,
                            std::generic_category().message(first_errno())));
    return when_lost;
}

}  // namespace mainstay::cli
