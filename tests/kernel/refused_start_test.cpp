// What comes of a program's start, its rights and its place in the kernel's queues when a call is refused: the test
// stands in for the call.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "../needs.hpp"
#include "../temporary_folder.hpp"
#include "in_child.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/bfd_sockets.hpp"
#include "mainstay/kernel/environment.hpp"
#include "mainstay/kernel/notify_fifo.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/kernel/tracked_file.hpp"
#include "refused_calls.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::in_child;
using test::Call;
using test::Refused;
using test::text_of;

namespace {

// What `act` says when one of its calls is refused with EIO; "" when it does without.
template <class Act>
std::string refused_text(Call call, const Act& act, int spared = 0) {
    const Refused refused{call, EIO, spared};
    const auto done = act();
    REQUIRE(refused.met());
    return done ? std::string{} : done.error().text();
}

}  // namespace

TEST_CASE("a role whose place cannot be prepared is not started, and the reason is reported") {
    const UniqueFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const auto start = [&] {
        return spawn_role({.executable = "/bin/true", .argv = {"true"}, .descriptors = {{null.get(), 40}}});
    };
    CHECK(refused_text(Call::Dup2, start) == "start /bin/true: Input/output error");
    const auto elsewhere = [&] {
        return spawn_role({.executable = "/bin/true", .argv = {"true"}, .network_namespace = null.get()});
    };
    CHECK(refused_text(Call::Setns, elsewhere) == "start /bin/true: Input/output error");
    const auto limited = [] {
        return spawn_role({.executable = "/bin/true",
                           .argv = {"true"},
                           .limits = ProcessLimits{.descriptors = 20, .address_space = 1}});
    };
    CHECK(refused_text(Call::Getrlimit, limited) == "start /bin/true: Input/output error");
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // nothing is left behind
}

TEST_CASE("a script whose streams or rights cannot be set is not started, and the reason is reported") {
    const Account self{::getuid(), ::getgid()};
    const UniqueFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const auto start = [&] { return spawn_script({.path = "/bin/true", .argv = {"true"}, .account = self}); };
    for (const int stream : {0, 1, 2}) {
        CAPTURE(stream);
        CHECK(refused_text(Call::Dup2, start, stream) == "start /bin/true: Input/output error");
    }
    const auto elsewhere = [&] {
        return spawn_script({.path = "/bin/true", .argv = {"true"}, .account = self, .network_namespace = null.get()});
    };
    CHECK(refused_text(Call::Setns, elsewhere) == "start /bin/true: Input/output error");
    if (::geteuid() == 0)
        for (const long call : {long{SYS_setgroups}, long{SYS_setgid}, long{SYS_setuid}}) {
            CAPTURE(call);
            test::refused_system_call = call;
            const auto done = start();
            test::refused_system_call = 0;
            REQUIRE_FALSE(done.has_value());
            CHECK(done.error().text() == "start /bin/true: Input/output error");
        }
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a script runs in the normal class, and ends with its parent") {
    const test::TemporaryFolder folder;
    const Account self{::getuid(), ::getgid()};
    const sched_param batch{};
    CHECK(in_child([&] {
        if (::sched_setscheduler(0, SCHED_BATCH, &batch) != 0) return false;
        const auto pid = spawn_script({.path = "/bin/sleep", .argv = {"sleep", "1000"}, .account = self});
        if (!pid) return false;
        const bool normal = ::sched_getscheduler(*pid) == SCHED_OTHER;
        terminate_group(*pid, true);
        return ::waitpid(*pid, nullptr, 0) == *pid && normal;
    }));
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    int script = -1;
    CHECK(in_child([&] {
        const auto pid = spawn_script({.path = "/bin/sleep", .argv = {"sleep", "1000"}, .account = self});
        if (!pid) return false;
        script = *pid;
        return ::write(ends[1], &script, sizeof script) == static_cast<ssize_t>(sizeof script);
    }));
    REQUIRE(::read(ends[0], &script, sizeof script) == static_cast<ssize_t>(sizeof script));
    ::close(ends[0]);
    ::close(ends[1]);
    int tries = 500;
    while (::kill(script, 0) == 0 &&
           text_of("/proc/" + std::to_string(script) + "/stat").find(") Z ") == std::string::npos && --tries > 0)
        ::poll(nullptr, 0, 10);
    CHECK(tries > 0);
    if (tries == 0) ::kill(script, SIGKILL);
}

TEST_CASE("privileges that cannot be dropped are reported with the step that was refused" *
          mainstay::test::kNeedsRoot) {
    constexpr std::array<unsigned, 1> kNetAdmin{12};
    CHECK(in_child([&] {
        const Refused refused{Call::CapngChangeId, 0, 0, -3};
        const auto done = drop_privileges({1, 2}, kNetAdmin);
        return !done && done.error().text() == "changing to user 1 failed: capng_change_id answered -3";
    }));
    CHECK(in_child([&] {
        if (::unshare(CLONE_NEWUSER) != 0) return false;
        std::ofstream{"/proc/self/uid_map"} << "0 0 1\n";
        std::ofstream{"/proc/self/gid_map"} << "0 0 1\n";
        const auto done = drop_privileges({1, 2}, kNetAdmin);
        return !done && done.error().text() ==
                            "changing to user 1 and group 2 failed: this user namespace has no such ids (uid_map, "
                            "gid_map)";
    }));
    CHECK(in_child([&] {
        const Refused changed{Call::CapngChangeId, 0}, refused{Call::Prctl, EIO};
        const auto done = drop_privileges({1, 2}, kNetAdmin);
        return !done && done.error().text() == "prctl NO_NEW_PRIVS: Input/output error";
    }));
}

TEST_CASE("each group of a user is reported, however many there are") {
    const test::Groups groups{{4, 5, 6, 7}};
    CHECK(supplementary_groups({0, 4}) == std::vector<std::uint32_t>{4, 5, 6, 7});
}

TEST_CASE("a class or nice value that is refused is named in the error") {
    CHECK(refused_text(Call::Setpriority, [] { return set_nice(7); }) == "setpriority 7: Input/output error");
    test::refused_system_call = SYS_sched_setattr;
    const auto done = set_normal_scheduling(Slices::Usual);
    test::refused_system_call = 0;
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().text() == "sched_setattr SCHED_OTHER: Input/output error");
}

TEST_CASE("a network namespace that cannot be entered or left again is reported" * mainstay::test::kNeedsRoot) {
    const auto own = open_network_namespace({}).value();
    const auto open = [&] { return generic_netlink_in(own.get()); };
    CHECK(refused_text(Call::Setns, open) == "enter a network namespace: Input/output error");
    CHECK(refused_text(Call::Setns, open, 1) == "enter a network namespace: Input/output error");
    CHECK(open().has_value());
}

TEST_CASE("what this host does not show of itself is left out") {
    CHECK(refused_text(Call::Readlink, [] { return own_executable(); }) ==
          "readlink /proc/self/exe: Input/output error");
    CHECK(own_executable().value().ends_with("kernel_test"));
    {
        const Refused refused{Call::Gethostname, EIO};
        CHECK(host_environment().host_name == "localhost");
    }
    {
        const Refused refused{Call::Getifaddrs, EIO};
        CHECK(host_environment().subnets().empty());
    }
    const Refused refused{Call::Getifaddrs, EIO};
    CHECK(link_local_addresses().empty());
    CHECK(refused.met());
}

TEST_CASE("files cannot be watched without inotify, and a FIFO that cannot be made is named") {
    CHECK(refused_text(Call::InotifyInit1, [] { return FolderWatch::open(); }) == "inotify: Input/output error");
    CHECK(refused_text(Call::Mkfifo, [] { return open_notify_fifo("/nonexistent/fifo", {0, 0}, 0600); }) ==
          "make the FIFO /nonexistent/fifo: Input/output error");
    CHECK(open_notify_fifo("/nonexistent/fifo", {0, 0}, 0600).error().text() ==
          "make the FIFO /nonexistent/fifo: No such file or directory");
}
