// Processes that the supervisor forks for work that may take long: they end with it.
#include "role/supervisor/helper.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <new>
#include <string>

#include "../../temporary_folder.hpp"
#include "mainstay/base/unique_fd.hpp"

using namespace mainstay;
using namespace mainstay::role;

namespace {

constexpr int kPatienceMs = 20'000;

int status_of_child(int child) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// What the other end says within the patience of the test: the bytes that were read, 0 when it is closed.
ssize_t next_bytes(int fd, void* to, std::size_t size) {
    pollfd wait{fd, POLLIN, 0};
    return ::poll(&wait, 1, kPatienceMs) == 1 ? ::read(fd, to, size) : -1;
}

}  // namespace

TEST_CASE("a helper is killed when its supervisor dies") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    UniqueFd reading{ends[0]}, writing{ends[1]};
    const int supervisor = ::fork();
    if (supervisor == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int own = ::getpid();
        if (::fork() == 0) {
            become_helper(own);
            const int helper = ::getpid();
            if (::write(writing.get(), &helper, sizeof helper) < 0) ::_exit(1);
        }
        for (;;) ::pause();
    }
    writing.reset();
    int helper = 0;
    REQUIRE(next_bytes(reading.get(), &helper, sizeof helper) == sizeof helper);
    REQUIRE(::kill(supervisor, SIGKILL) == 0);
    CHECK(status_of_child(supervisor) == 1000 + SIGKILL);
    const bool ended = next_bytes(reading.get(), &helper, sizeof helper) == 0;
    CHECK(ended);
    if (!ended) ::kill(helper, SIGKILL);
}

TEST_CASE("an exception of a helper's work ends the helper, and goes no further") {
    const auto status_after = [](const auto& work) {
        const int helper = ::fork();
        if (helper == 0) {
            try {
                end_after(work);
            } catch (...) {
                ::_exit(99);
            }
        }
        return status_of_child(helper);
    };
    CHECK(status_after([] { return 7; }) == 7);
    CHECK(status_after([]() -> int { throw std::bad_alloc{}; }) == 1);
}

TEST_CASE("a helper whose supervisor has died already ends, and one that works is not ended by a signal to its group") {
    const int test = ::getpid();
    const int late = ::fork();
    if (late == 0) {
        become_helper(test + 1);  // not its parent
        ::_exit(7);
    }
    CHECK(status_of_child(late) == 1);
    const int working = ::fork();
    if (working == 0) {
        become_helper(test);
        ::raise(SIGTERM);
        ::raise(SIGHUP);
        ::_exit(7);
    }
    CHECK(status_of_child(working) == 7);
}

TEST_CASE("a helper holds nothing of its supervisor open but what it is left") {
    int lines[3][2];
    for (auto& line : lines) REQUIRE(::pipe2(line, O_CLOEXEC) == 0);
    const int test = ::getpid();
    const int helper = ::fork();
    if (helper == 0) {
        become_helper(test);
        close_all_but(lines[1][0], lines[0][1]);
        int open = 0;
        for (auto& line : lines)
            for (const int fd : line) open = open * 2 + (::fcntl(fd, F_GETFD) >= 0 ? 1 : 0);
        ::_exit(open);
    }
    CHECK(status_of_child(helper) == 0b011000);
    for (auto& line : lines)
        for (const int fd : line) ::close(fd);
}

TEST_CASE("work with a disk that hangs keeps its order, is answered at once, holds nothing open, and is bounded") {
    const mainstay::test::TemporaryFolder folder;
    const std::string disk = folder.at("disk"), out = folder.at("out");
    // Who opens the FIFO waits until its other end is open.
    REQUIRE(::mkfifo(disk.c_str(), 0600) == 0);
    const auto appends = [&](char what) {
        return [&, what]() -> Result<void> {
            const UniqueFd waits{::open(disk.c_str(), O_RDONLY | O_CLOEXEC)};
            const UniqueFd file{::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
            if (::write(file.get(), &what, 1) != 1) return fail(Errc::Io, "write");
            return {};
        };
    };
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd reading{ends[0]};
    UniqueFd held{ends[1]};
    DiskWork work;
    const auto first = work.run("first", appends('1'));
    REQUIRE_FALSE(first);
    CHECK(first.error().code() == Errc::Timeout);
    CHECK(first.error().text() == "first: its disk does not answer; it is written when it does");
    for (std::size_t i = 2; i < kDiskWorkMax; ++i) CHECK_FALSE(work.run("next", appends('2')));
    CHECK_FALSE(work.run("last", appends('3')));
    const auto refused = work.run("refused", appends('4'));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text() == "refused: its disk does not answer");
    held.reset();
    char none = 0;
    CHECK(next_bytes(reading.get(), &none, 1) == 0);

    const UniqueFd answers{::open(disk.c_str(), O_RDWR | O_CLOEXEC)};
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    CHECK(work.run("again", appends('5')));
    CHECK(folder.text("out") == "1" + std::string(kDiskWorkMax - 2, '2') + "35");
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
}

TEST_CASE("work with a disk gives a descriptor, an error with its reason, or nothing because its process died") {
    DiskWork work;
    const auto file = work.open("file", []() -> Result<UniqueFd> { return UniqueFd{::open("/dev/null", O_WRONLY)}; });
    REQUIRE(file);
    CHECK(::write(file->get(), "x", 1) == 1);
    const auto refused = work.open("file", []() -> Result<UniqueFd> { return fail(Errc::Io, "no room"); });
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text() == "no room");
    const auto thrown = work.open("file", []() -> Result<UniqueFd> { throw std::bad_alloc{}; });
    REQUIRE_FALSE(thrown);
    CHECK(thrown.error().text() == "file: the process that writes it died");
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
}
