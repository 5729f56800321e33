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

// With a format, because the C library checks that (_FORTIFY_SOURCE): by a call like this tools/check-hardening knows
// how a program was built, and the smallest one has no other.
void print_error(std::string_view text) {
    (void)std::fprintf(stderr, "%.*s", static_cast<int>(text.size()), text.data());
}

int finish_output(std::string_view program, int exit_code, int when_lost) {
    if (std::fflush(stdout) != 0 && first_errno() == 0) first_errno() = errno;
    if (std::ferror(stdout) == 0 && first_errno() == 0) return exit_code;
    print_error(fmt::format("{}: cannot write to the standard output: {}\n", program,
                            std::generic_category().message(first_errno())));
    return when_lost;
}

}  // namespace mainstay::cli
