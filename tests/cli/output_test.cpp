#include "cli/output.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

namespace mainstay::cli {
namespace {

struct Ran {
    int exit_code = -1;
    std::string errors;
};

// A program that prints `text` to the file `out` and means to exit with `exit_code`; 9 if output is lost. `otherwise`:
// a library prints it, which does not keep why that fails.
Ran prints(const std::string& text, const char* out, int exit_code, bool otherwise = false) {
    std::array<int, 2> errors{};
    REQUIRE(::pipe2(errors.data(), O_CLOEXEC) == 0);
    std::fflush(stdout);  // what doctest has printed is not the child's
    const int child = ::fork();
    if (child == 0) {
        ::dup2(::open(out, O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
        ::dup2(errors[1], STDERR_FILENO);
        if (otherwise)
            std::fputs(text.c_str(), stdout), std::fflush(stdout);
        else
            print(text);
        ::_exit(finish_output("prog", exit_code, 9));
    }
    ::close(errors[1]);
    Ran ran;
    std::array<char, 256> piece{};
    for (ssize_t got = 0; (got = ::read(errors[0], piece.data(), piece.size())) > 0;)
        ran.errors.append(piece.data(), static_cast<std::size_t>(got));
    ::close(errors[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    ran.exit_code = WEXITSTATUS(status);
    return ran;
}

constexpr const char* kLost = "prog: cannot write to the standard output: No space left on device\n";

}  // namespace

TEST_CASE("the exit code stays what it is when all of the output was written") {
    const auto done = prints("text\n", "/dev/null", 3);
    CHECK(done.exit_code == 3);
    CHECK(done.errors.empty());
}

TEST_CASE("output that a full disk loses is an error with its reason, in the buffer's size and beyond") {
    const auto small = prints("text\n", "/dev/full", 0);
    CHECK(small.exit_code == 9);
    CHECK(small.errors == kLost);

    const auto large = prints(std::string(1 << 20, 'x'), "/dev/full", 0);
    CHECK(large.exit_code == 9);
    CHECK(large.errors == kLost);

    const auto unknown = prints("text\n", "/dev/full", 0, true);
    CHECK(unknown.exit_code == 9);
    CHECK(unknown.errors == "prog: cannot write to the standard output\n");
}

TEST_CASE("a program that prints nothing does not mind a full disk") {
    const auto done = prints("", "/dev/full", 0);
    CHECK(done.exit_code == 0);
    CHECK(done.errors.empty());
}

}  // namespace mainstay::cli
