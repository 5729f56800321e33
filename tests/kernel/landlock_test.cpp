// What Landlock leaves and what it refuses, tried in child processes.
#include "mainstay/kernel/landlock.hpp"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <filesystem>
#include <fstream>
#include <functional>

#include "../needs.hpp"
#include "in_child.hpp"
#include "refused_calls.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using Access = PathRule::Access;
using mainstay::test::kNotRestricted;

namespace {

struct ReachedFolder {
    std::string path;
    ReachedFolder() {
        std::string pattern = "/tmp/mainstay-landlock.XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path = pattern;
        std::ofstream{path + "/file"} << "text";
        std::filesystem::create_directory(path + "/inside");
    }
    ReachedFolder(const ReachedFolder&) = delete;
    ReachedFolder& operator=(const ReachedFolder&) = delete;
    ~ReachedFolder() { std::filesystem::remove_all(path); }
};

// The errno with which `act` fails under the restriction; 0: it works.
int tried(const Reach& reach, const std::function<bool()>& act) {
    const int pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (!restrict_reach(reach)) ::_exit(kNotRestricted);
        ::_exit(act() ? 0 : errno);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool opens(const std::string& path, int flags) { return ::open(path.c_str(), flags | O_CLOEXEC, 0600) >= 0; }

bool binds(int type) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, type, 0);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
}

int pretended = -1;  // the version of Landlock that the kernel claims; -1: its own

constexpr mainstay::test::Needs kNeedsLandlock{"needs Landlock", [] { return landlock_version() >= 1; }};
constexpr mainstay::test::Needs kNeedsLandlockOfTcp{"needs Landlock 4, which knows TCP",
                                                    [] { return landlock_version() >= 4; }};
constexpr mainstay::test::Needs kNeedsLandlockOfSignals{"needs Landlock 6, which knows signals",
                                                        [] { return landlock_version() >= 6; }};

}  // namespace

// In place of the C library's, for all that is linked into the test program.
extern "C" long syscall(long number, ...) noexcept {
    using Call = long (*)(long, long, long, long, long, long, long);
    static auto* const real = reinterpret_cast<Call>(::dlsym(RTLD_NEXT, "syscall"));
    long given[6];
    va_list rest;
    va_start(rest, number);
    for (long& one : given) one = va_arg(rest, long);
    va_end(rest);
    if (number == SYS_landlock_create_ruleset && given[0] == 0 && pretended >= 0) {
        errno = EOPNOTSUPP;
        return pretended == 0 ? -1 : pretended;
    }
    const bool asks_version = number == SYS_landlock_create_ruleset && given[0] == 0;
    if (number == test::refused_system_call && !asks_version) return errno = EIO, -1;
    return real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

TEST_CASE("without a rule nothing can be opened, and no program started" * kNeedsLandlock) {
    const ReachedFolder folder;
    CHECK(tried({}, [&] { return opens(folder.path + "/file", O_RDONLY); }) == EACCES);
    CHECK(tried({}, [&] { return opens(folder.path + "/new", O_WRONLY | O_CREAT); }) == EACCES);
    CHECK(tried({}, [] { return opens("/", O_RDONLY | O_DIRECTORY); }) == EACCES);
    CHECK(tried({{{"/", Access::Manage}}, true}, [] { return ::execl("/bin/true", "true", nullptr) == 0; }) == EACCES);
}

TEST_CASE("a rule allows what it says, below its path" * kNeedsLandlock) {
    const ReachedFolder folder;
    const std::string file = folder.path + "/file", made = folder.path + "/inside/made";
    const struct {
        Access access;
        int read, write, make;
    } rows[] = {{Access::Read, 0, EACCES, EACCES}, {Access::Write, 0, 0, EACCES}, {Access::Manage, 0, 0, 0}};
    for (const auto& row : rows) {
        CAPTURE(static_cast<int>(row.access));
        const Reach reach{{{folder.path, row.access}}, false};
        CHECK(tried(reach, [&] { return opens(file, O_RDONLY); }) == row.read);
        CHECK(tried(reach, [&] { return opens(file, O_WRONLY | O_TRUNC); }) == row.write);
        CHECK(tried(reach, [&] {
                  return opens(made, O_WRONLY | O_CREAT) && ::rename(made.c_str(), (made + "2").c_str()) == 0 &&
                         ::unlink((made + "2").c_str()) == 0;
              }) == row.make);
        CHECK(tried(reach, [] { return opens("/etc/passwd", O_RDONLY); }) == EACCES);
    }
}

TEST_CASE("a rule may be of one file, and of one that is not there" * kNeedsLandlock) {
    const ReachedFolder folder;
    const Reach reach{{{folder.path + "/file", Access::Manage}, {"/nonexistent", Access::Read}}, false};
    CHECK(tried(reach, [&] { return opens(folder.path + "/file", O_RDWR); }) == 0);
    CHECK(tried(reach, [&] { return opens(folder.path + "/inside", O_RDONLY); }) == EACCES);
}

TEST_CASE("TCP is for those that may use it, UDP for all" * kNeedsLandlockOfTcp) {
    CHECK(tried({{}, false}, [&] { return binds(SOCK_STREAM); }) == EACCES);
    CHECK(tried({{}, true}, [&] { return binds(SOCK_STREAM); }) == 0);
    CHECK(tried({{}, false}, [&] { return binds(SOCK_DGRAM); }) == 0);
}

TEST_CASE("no process outside can be signalled, whichever account owns it" * kNeedsLandlockOfSignals) {
    CHECK(tried({}, [parent = ::getpid()] { return ::kill(parent, SIGCONT) == 0; }) == EPERM);
    CHECK(tried({}, [] { return ::raise(SIGCONT) == 0; }) == 0);
}

TEST_CASE("a descriptor that was open before stays usable" * kNeedsLandlock) {
    const ReachedFolder folder;
    const int fd = ::open((folder.path + "/file").c_str(), O_RDWR | O_CLOEXEC);
    CHECK(tried({}, [fd] { return ::write(fd, "x", 1) == 1 && ::ftruncate(fd, 0) == 0; }) == 0);
    ::close(fd);
}

TEST_CASE("the version is the kernel's own, and none where it has no Landlock") {
    const auto answer = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1U);
    CHECK(landlock_version() == (answer < 0 ? 0 : answer));
}

TEST_CASE("an older Landlock restricts what it knows, and leaves the rest") {
    const int known = landlock_version();
    const ReachedFolder folder;
    const std::string file = folder.path + "/file", moved = folder.path + "/inside/file";
    const Reach manage{{{folder.path, Access::Manage}}, false},
        read{{{folder.path, Access::Read}, {"/dev/null", Access::Read}}, false};
    const struct {
        int version, move, cut, listen, device, signal;
    } rows[] = {{1, EXDEV, 0, 0, ENOTTY, 0},       {2, 0, 0, 0, ENOTTY, 0},
                {3, 0, EACCES, 0, ENOTTY, 0},      {4, 0, EACCES, EACCES, ENOTTY, 0},
                {5, 0, EACCES, EACCES, EACCES, 0}, {6, 0, EACCES, EACCES, EACCES, EPERM}};
    for (const auto& row : rows) {
        CAPTURE(row.version);
        if (row.version > known) break;
        pretended = row.version;
        CHECK(tried(manage, [&] {
                  return ::rename(file.c_str(), moved.c_str()) == 0 && ::rename(moved.c_str(), file.c_str()) == 0;
              }) == row.move);
        CHECK(tried(read, [&] { return ::truncate(file.c_str(), 0) == 0; }) == row.cut);
        CHECK(tried(read, [] { return binds(SOCK_STREAM); }) == row.listen);
        CHECK(tried(read, [] {
                  winsize size{};
                  return ::ioctl(::open("/dev/null", O_RDONLY | O_CLOEXEC), TIOCGWINSZ, &size) == 0;
              }) == row.device);
        CHECK(tried(read, [parent = ::getpid()] { return ::kill(parent, SIGCONT) == 0; }) == row.signal);
    }
    pretended = 0;
    CHECK(landlock_version() == 0);
    CHECK(tried(read, [] { return true; }) == kNotRestricted);
    pretended = -1;
}

TEST_CASE("a restriction that the kernel refuses is reported, at whichever step" * kNeedsLandlock) {
    const ReachedFolder folder;
    const Reach reach{{{folder.path, Access::Read}}, false};
    const auto reported = [&](long call) {
        test::refused_system_call = call;
        const auto done = restrict_reach(reach);
        test::refused_system_call = 0;
        REQUIRE_FALSE(done.has_value());
        CHECK(done.error().sys_errno() == EIO);
        return done.error().text().substr(0, done.error().text().find(": "));
    };
    CHECK(reported(SYS_landlock_create_ruleset) == "make a Landlock ruleset");
    CHECK(reported(SYS_landlock_add_rule) == "Landlock rule for " + folder.path);
    CHECK(reported(SYS_landlock_restrict_self) == "enter Landlock");
}
