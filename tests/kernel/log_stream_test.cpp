#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>

#include "in_child.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/log_sink.hpp"

using namespace mainstay;

namespace {

constexpr unsigned kSecondsMax = 20;  // a child that waits for a reader is ended by SIGALRM

struct Ends {
    UniqueFd read, write;
};

Ends pipe_ends() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) ::_exit(2);
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

Ends socket_ends() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) ::_exit(2);
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

Ends terminal_ends() {
    UniqueFd master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    std::array<char, 64> name{};
    if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
        ::ptsname_r(master.get(), name.data(), name.size()) != 0)
        ::_exit(2);
    UniqueFd terminal{::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    return {std::move(master), std::move(terminal)};
}

// All that can be read now.
std::string all_of(int fd) {
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    std::string all;
    std::array<char, 65536> bytes{};
    for (ssize_t got = 0; (got = ::read(fd, bytes.data(), bytes.size())) > 0;)
        all.append(bytes.data(), static_cast<std::size_t>(got));
    return all;
}

// Reads until nothing more comes, as the log writes it.
std::string drain(int fd, kernel::DaemonLog& log) {
    std::string all;
    for (std::string piece = all_of(fd); !piece.empty(); piece = all_of(fd)) {
        all += piece;
        log.flush();
    }
    return all;
}

std::size_t lines_of(const std::string& text, std::string_view word) {
    std::size_t count = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
    return count;
}

// In a child: six megabytes of lines for a stderr that nobody reads, and then somebody reads.
bool loses_and_reports(const std::function<Ends()>& make) {
    ::alarm(kSecondsMax);
    const Ends ends = make();
    ::dup2(ends.write.get(), STDERR_FILENO);
    kernel::DaemonLog log{{.ident = "t", .socket = "", .console = true}};
    for (int i = 0; i < 1500; ++i) log.info("{}", "line" + std::string(4000, 'z'));
    const auto lost = log.lost();
    const std::string text = drain(ends.read.get(), log);
    log.info("after");
    const std::string rest = all_of(ends.read.get());
    const std::string said = ": " + std::to_string(lost) + " log lines were lost: stderr was not read";
    return lost > 400 && lost < 500 && lines_of(text, "linezz") == 1500 - lost && lines_of(text, said) == 1 &&
           text.find(said) > text.rfind("zzzz") && rest.find(": after") == 24 && log.lost() == lost;
}

}  // namespace

TEST_CASE("a pipe, a socket and a terminal that nobody reads cost lines, not time, and the loss is reported") {
    CHECK(test::in_child([] { return loses_and_reports(pipe_ends); }));
    CHECK(test::in_child([] { return loses_and_reports(socket_ends); }));
    CHECK(test::in_child([] { return loses_and_reports(terminal_ends); }));
}

TEST_CASE("the same holds for a pipe that cannot be opened anew, and other users of the pipe keep theirs as it is") {
    CHECK(test::in_child([] {
        return loses_and_reports([] {
            Ends ends = pipe_ends();
            ::fchmod(ends.write.get(), 0);
            if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
            return ends;
        });
    }));
    CHECK(test::in_child([] {
        const Ends ends = pipe_ends();
        ::dup2(ends.write.get(), STDERR_FILENO);
        const kernel::DaemonLog log{{.ident = "t", .socket = "", .console = true}};
        return (::fcntl(ends.write.get(), F_GETFL) & O_NONBLOCK) == 0;
    }));
}

TEST_CASE("lines that wait for their reader are asked for again, once at a time, and a fork does not write them") {
    CHECK(test::in_child([] {
        ::alarm(kSecondsMax);
        const Ends ends = pipe_ends();
        ::dup2(ends.write.get(), STDERR_FILENO);
        kernel::DaemonLog log{{.ident = "t", .socket = "", .console = true}};
        int asked = 0;
        log.retry([&asked] { ++asked; });
        for (int i = 0; i < 30; ++i) log.info("{}", "line" + std::string(4000, 'z'));
        const int once = asked;
        log.flush();
        const int twice = asked;
        const bool child = test::in_child([&log] {
            log.info("the child's");
            log.flush();
            return true;
        });
        const std::string text = drain(ends.read.get(), log);
        return once == 1 && twice == 2 && child && lines_of(text, "line") == 30 && log.lost() == 0;
    }));
}

TEST_CASE("a reader that has gone, and a full disk, cost the lines of that time, and the reason is logged") {
    CHECK(test::in_child([] {
        ::alarm(kSecondsMax);
        const UniqueFd full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
        const UniqueFd before{::dup(STDERR_FILENO)};
        ::dup2(full.get(), STDERR_FILENO);
        kernel::DaemonLog log{{.ident = "t", .socket = "", .console = true}};
        log.info("one");
        log.info("two");
        const auto lost = log.lost();
        const Ends ends = pipe_ends();
        ::dup2(ends.write.get(), STDERR_FILENO);
        log.info("three");
        const std::string text = all_of(ends.read.get());
        return lost == 2 && log.lost() == 2 &&
               text.find(": 2 log lines were lost: stderr: No space left on device\n") == 24 &&
               text.find(": three\n") != std::string::npos;
    }));
}
