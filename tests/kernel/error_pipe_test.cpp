// What scripts write to stderr: the last lines, and that nobody is ended or held up by the pipe.
#include "mainstay/kernel/error_pipe.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>

#include "../needs.hpp"

using namespace mainstay;
using namespace mainstay::kernel;

namespace {

ErrorPipe a_pipe() {
    auto pipe = ErrorPipe::make({::getuid(), ::getgid()});
    REQUIRE(pipe.has_value());
    return std::move(*pipe);
}

// A copy of the script's end, as what the script left running has it.
UniqueFd left_running(const ErrorPipe& pipe) { return UniqueFd{::fcntl(pipe.script_end(), F_DUPFD_CLOEXEC, 0)}; }

}  // namespace

TEST_CASE("the last four lines of what a script wrote are on one line") {
    CHECK(last_lines("") == "");
    CHECK(last_lines("\n\r\n  \n") == "");
    CHECK(last_lines("no newline") == "no newline");
    CHECK(last_lines("one\n\ntwo\r\nthree\n") == "one | two | three");
    CHECK(last_lines("1\n2\n3\n4\n5\n") == "2 | 3 | 4 | 5");
}

TEST_CASE("what is no text is replaced, and what is too long loses its beginning, never half a character") {
    CHECK(last_lines("a\tb\x1b[31mred\x7f\n") == "a b?[31mred?");
    CHECK(last_lines("gr\xc3\xbc\xc3\x9f"
                     "e \xff \xc3\n") ==
          "gr\xc3\xbc\xc3\x9f"
          "e ? ?");
    CHECK(last_lines(std::string_view{"nul\0in it", 9}) == "nul?in it");
    CHECK(last_lines(std::string(400, 'x')) == std::string(400, 'x'));
    CHECK(last_lines("begin" + std::string(400, 'x')) == "..." + std::string(397, 'x'));
    std::string umlauts;
    for (int i = 0; i < 300; ++i) umlauts += "\xc3\xbc";
    const auto shown = last_lines(umlauts);
    CHECK(shown.size() == 399);  // 397 bytes would begin in the middle of one
    CHECK(shown.substr(3, 2) == "\xc3\xbc");
}

TEST_CASE("the end of much text is kept") {
    auto pipe = a_pipe();
    CHECK(pipe.take() == 0);
    for (int i = 0; i < 100; ++i) {
        const std::string line = "line " + std::to_string(i) + " " + std::string(1000, '.') + "\n";
        REQUIRE(::write(pipe.script_end(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
        CHECK(pipe.take() == line.size());
    }
    REQUIRE(::write(pipe.script_end(), "first\nsecond\n", 13) == 13);
    CHECK(pipe.take() == 13);
    const auto text = pipe.text();
    CHECK(text.size() == kErrorBytesKept);
    CHECK(text.starts_with("..."));
    CHECK(text.ends_with(". | first | second"));
}

TEST_CASE("what a script left running neither gets SIGPIPE nor waits when nobody reads any more") {
    ::signal(SIGPIPE, SIG_DFL);
    auto pipe = a_pipe();
    const auto rest = left_running(pipe);
    pipe.release();
    const std::string block(4096, 'x');
    std::size_t written = 0;
    while (::write(rest.get(), block.data(), block.size()) > 0) written += block.size();
    CHECK(errno == EAGAIN);
    CHECK(written == 65'536);
}

TEST_CASE("while nobody has released it the script's end blocks, as any pipe") {
    auto pipe = a_pipe();
    CHECK((::fcntl(pipe.script_end(), F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == O_RDWR);
    CHECK((::fcntl(pipe.reading_end(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(pipe.script_end(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("the script's account may open its stderr again" * test::kNeedsRoot) {
    auto pipe = ErrorPipe::make({65534, 65533});
    REQUIRE(pipe.has_value());
    struct stat facts{};
    REQUIRE(::fstat(pipe->script_end(), &facts) == 0);
    CHECK(facts.st_uid == 65534);
    CHECK(facts.st_gid == 65533);
    std::ofstream{"/proc/self/fd/" + std::to_string(pipe->script_end())} << "again\n";
    CHECK(pipe->take() == 6);
    CHECK(pipe->text() == "again");
}
