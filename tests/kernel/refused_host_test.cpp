// What the adapters for files, processes and limits make of a refused call: the test stands in for the call.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>

#include "../needs.hpp"
#include "../temporary_folder.hpp"
#include "in_child.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/kernel_release.hpp"
#include "mainstay/kernel/link_poll.hpp"
#include "mainstay/kernel/log_sink.hpp"
#include "mainstay/kernel/new_file.hpp"
#include "mainstay/kernel/notify_fifo.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/process_watch.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/kernel/scripts.hpp"
#include "mainstay/kernel/service_manager.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "mainstay/kernel/tracked_file.hpp"
#include "refused_calls.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::in_child;
using test::Call;
using test::Refused;
using test::TemporaryFolder;
using test::text_of;

namespace {

std::string with_file(const TemporaryFolder& folder, const std::string& text) {
    std::ofstream{folder.path + "/file"} << text;
    return folder.path + "/file";
}

std::size_t files_in(const TemporaryFolder& folder) {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator{folder.path}, std::filesystem::directory_iterator{}));
}

long locked_kilobytes() {
    std::ifstream status{"/proc/self/status"};
    for (std::string word; status >> word;)
        if (word == "VmLck:") {
            long value = -1;
            status >> value;
            return value;
        }
    return -1;
}

}  // namespace

TEST_CASE("a tracked file that cannot be looked at or read says so") {
    const TemporaryFolder folder;
    const std::string path = with_file(folder, "7\n");
    const auto read = [&] { return read_tracked_file(path); };
    CHECK(read().value() == "7\n");
    CHECK(test::refused_attempt(Call::Fstat, read) == "look at " + path);
    CHECK(test::refused_attempt(Call::Fstatfs, read) == "look at " + path);
}

TEST_CASE("a file that cannot be written as a whole is not put in place, and leaves nothing beside it") {
    const TemporaryFolder folder;
    const std::string path = with_file(folder, "old");
    const auto write = [&] { return write_file_safely(path, "new", 0640); };
    CHECK(test::refused_attempt(Call::Write, write) == "write " + path);
    CHECK(test::refused_attempt(Call::Fchmod, write).starts_with("fchmod " + path + "."));
    CHECK(test::refused_attempt(Call::Rename, write).starts_with("rename to its place " + path + "."));
    CHECK(text_of(path) == "old");
    CHECK(files_in(folder) == 1);
    const std::string text = "durable";
    const auto durably = [&] { return write_file_durably(path, std::as_bytes(std::span{text}), 0640); };
    CHECK(test::refused_attempt(Call::Write, durably) == "write " + path);
    CHECK(test::refused_attempt(Call::Rename, durably).starts_with("rename to its place " + path + "."));
    CHECK(text_of(path) == "old");
    CHECK(files_in(folder) == 1);
    const Refused interrupted{Call::Write, EINTR};
    CHECK(write().has_value());
    CHECK(interrupted.met());
    CHECK(text_of(path) == "new");
}

TEST_CASE("a FIFO and a folder that cannot be given to their user say so" * mainstay::test::kNeedsRoot) {
    const TemporaryFolder folder;
    const Account self{::getuid(), ::getgid()};
    int number = 0;
    const auto open = [&] { return open_notify_fifo(folder.path + "/fifo" + std::to_string(number++), self, 0600); };
    CHECK(test::refused_attempt(Call::Fstat, open) == "look at the FIFO " + folder.path + "/fifo0");
    CHECK(test::refused_attempt(Call::Fchown, open) == "give the FIFO " + folder.path + "/fifo1 to its user");
    CHECK(test::refused_attempt(Call::Fchmod, open) == "give the FIFO " + folder.path + "/fifo2 to its user");
    const auto make = [&] { return make_directory(folder.path + "/made", self, 0700); };
    CHECK(test::refused_attempt(Call::Fchown, make) == "give " + folder.path + "/made to user 0");
    CHECK(test::refused_attempt(Call::Fchmod, make) == "give " + folder.path + "/made to user 0");
    CHECK(make().has_value());
}

TEST_CASE("settings of the kernel that cannot be read or written say so") {
    const auto read = [] { return read_sysctl("kernel/ostype"); };
    CHECK(test::refused_attempt(Call::Read, read) == "read /proc/sys/kernel/ostype");
    CHECK(test::refused_attempt(Call::Read, [] { return read_sysctl_number("kernel/pid_max"); }) ==
          "read /proc/sys/kernel/pid_max");
}

// A connector whose other end the test has, in place of the kernel: datagrams of the family UNIX.
struct OwnConnector {
    int ends[2] = {-1, -1};
    UniqueFd kernel;
    Result<ProcessConnector> connector = fail(Errc::Invalid, "none");
    OwnConnector() {
        REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        kernel.reset(ends[1]);
    }
    void open() {
        const Refused given{Call::Socket, 0, 0, ends[0]}, bound{Call::Bind, 0};
        connector = ProcessConnector::open();
    }
};

TEST_CASE("a connector for processes that cannot be had says what was refused") {
    CHECK(test::refused_attempt(Call::Socket, [] { return ProcessConnector::open(); }) == "open the process connector");
    const auto open_with = [](Call call) {
        OwnConnector own;
        const Refused refused{call, EIO};
        own.open();
        REQUIRE_FALSE(own.connector.has_value());
        return own.connector.error().text();
    };
    CHECK(open_with(Call::Getsockname) == "getsockname of the process connector: Input/output error");
    CHECK(open_with(Call::Send) == "ask the process connector: Input/output error");
    OwnConnector own;
    const Refused given{Call::Socket, 0, 0, own.ends[0]}, refused{Call::Bind, EIO};
    CHECK(ProcessConnector::open().error().text() == "bind the process connector: Input/output error");
}

TEST_CASE("a connector asks for the events of processes, and reads what comes through a signal") {
    OwnConnector own;
    own.open();
    REQUIRE(own.connector.has_value());
    int bytes = 0;
    socklen_t length = sizeof bytes;
    REQUIRE(::getsockopt(own.connector->fd(), SOL_SOCKET, SO_RCVBUF, &bytes, &length) == 0);
    if (::getuid() == 0) CHECK(bytes == 2 * 1024 * 1024);
    std::array<std::byte, 256> request{};
    CHECK(::recv(own.kernel.get(), request.data(), request.size(), 0) ==
          static_cast<ssize_t>(netlink::encode_process_listen(true, 0).size()));
    CHECK(own.connector->read().value().empty());
    CHECK(test::refused_attempt(Call::Recvfrom, [&] { return own.connector->read(); }) == "read the process connector");
    // struct cn_msg behind the netlink header, then "process 7 made process 9".
    std::array<std::uint32_t, 20> event{};
    event[0] = 4 * 19;
    event[1] = NLMSG_DONE;
    event[4] = CN_IDX_PROC;
    event[5] = CN_VAL_PROC;
    event[8] = 4 * 10;
    event[9] = 1;  // PROC_EVENT_FORK
    event[13] = event[14] = 7;
    event[15] = event[16] = 9;
    REQUIRE(::send(own.kernel.get(), event.data(), 4 * 19, 0) == 4 * 19);
    const Refused interrupted{Call::Recvfrom, EINTR};
    const auto seen = own.connector->read().value();
    CHECK(interrupted.met());
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].kind == netlink::ProcessEvent::Kind::Fork);
    CHECK(seen[0].pid == 7);
    CHECK(seen[0].child == 9);
}

TEST_CASE("a socket that cannot be had is reported with what it is for" * mainstay::test::kNeedsRoot) {
    CHECK(test::refused_attempt(Call::Socket, [] { return LinkPoller::open(); }) == "open a socket for polling links");
    const TemporaryFolder folder;
    const auto notify = [&] { return notify_socket(folder.path + "/manager", "READY=1"); };
    CHECK(test::refused_attempt(Call::Socket, notify) == "socket to the service manager");
    const auto own = open_network_namespace({}).value();
    CHECK(test::refused_attempt(Call::Socket, [&] { return generic_netlink_in(own.get()); }) ==
          "open a netlink socket in another network namespace");
}

TEST_CASE("the service manager is notified again after a signal, and a refusal names its socket") {
    const TemporaryFolder folder;
    const std::string path = folder.path + "/manager";
    const UniqueFd manager{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    REQUIRE(::bind(manager.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const auto notify = [&] { return notify_socket(path, "READY=1"); };
    CHECK(test::refused_attempt(Call::Sendto, notify) == "tell " + path);
    const Refused interrupted{Call::Sendto, EINTR};
    CHECK(notify().has_value());
    CHECK(interrupted.met());
    std::array<char, 32> text{};
    CHECK(::recv(manager.get(), text.data(), text.size(), MSG_DONTWAIT) == 7);
    CHECK(std::string{text.data()} == "READY=1");
    CHECK(::recv(manager.get(), text.data(), text.size(), MSG_DONTWAIT) == -1);
}

TEST_CASE("limits that cannot be read or set say so") {
    const auto limit = [] { return limit_real_time(Micros{1'000'000}); };
    CHECK(test::refused_attempt(Call::Getrlimit, limit) == "getrlimit RLIMIT_RTTIME");
    CHECK(test::refused_attempt(Call::Setrlimit, limit) == "setrlimit RLIMIT_RTTIME");
    const Refused refused{Call::Getrlimit, EIO};
    CHECK(own_address_space_limit() == 0);
    CHECK(refused.met());
}

TEST_CASE("memory is locked and let go, or the refusal says so") {
    CHECK(test::refused_attempt(Call::Mlockall, [] { return lock_memory(true); }) == "mlockall");
    CHECK(test::refused_attempt(Call::Munlockall, [] { return lock_memory(false); }) == "munlockall");
    {
        const Refused done{Call::Mlockall, 0};
        CHECK(lock_memory(true).has_value());
        CHECK(done.met());
    }
#ifndef __SANITIZE_ADDRESS__
    CHECK(in_child([] {
        if (!lock_memory(true)) return locked_kilobytes() == 0;  // it may not lock as much as it has
        return locked_kilobytes() > 0 && lock_memory(false).has_value() && locked_kilobytes() == 0;
    }));
#endif
}

TEST_CASE("a program that becomes another keeps its environment") {
    const TemporaryFolder folder;
    ::setenv("MAINSTAY_KEPT", "as it was", 1);
    CHECK(in_child([&] {
        static_cast<void>(exec_again("/bin/sh",
                                     {"sh", "-c", "echo $MAINSTAY_KEPT, $MAINSTAY_ADDED > $0", folder.path + "/told"},
                                     "MAINSTAY_ADDED=new", {}));
        return false;
    }));
    ::unsetenv("MAINSTAY_KEPT");
    CHECK(text_of(folder.path + "/told") == "as it was, new\n");
    CHECK(in_child([&] {
        ::clearenv();
        static_cast<void>(exec_again("/bin/sh", {"sh", "-c", "echo $MAINSTAY_ADDED alone > $0", folder.path + "/told"},
                                     "MAINSTAY_ADDED=new", {}));
        return false;
    }));
    CHECK(text_of(folder.path + "/told") == "new alone\n");
}

TEST_CASE("a log socket's name has 107 bytes at most") {
    const TemporaryFolder folder;
    for (const std::size_t length : {107U, 108U}) {
        CAPTURE(length);
        const std::string path = folder.path + "/" + std::string(length - folder.path.size() - 1, 'x');
        const UniqueFd syslog{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path, address.sun_path);
        REQUIRE(::bind(syslog.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        DaemonLog log{{.ident = "t", .socket = path}};
        log.info("x");
        CHECK(log.lost() == (length == 107 ? 0 : 1));
    }
}

TEST_CASE("roles may use the real-time class, each nice value and locked memory, whoever asks for it") {
    const test::NotedLimits limits;
    allow_roles_scheduling();
    CHECK(limits.asked == std::vector<std::array<std::uint64_t, 3>>{
                              {RLIMIT_RTPRIO, 99, 99}, {RLIMIT_NICE, 40, 40}, {RLIMIT_MEMLOCK, ~0ULL, ~0ULL}});
}

TEST_CASE("the real-time class that is granted is no error, and one that is refused is") {
    {
        const Refused done{Call::SchedSetscheduler, 0};
        CHECK(set_realtime(7).has_value());
        CHECK(done.met());
    }
    CHECK(test::refused_attempt(Call::SchedSetscheduler, [] { return set_realtime(7); }) ==
          "sched_setscheduler SCHED_RR 7");
}

TEST_CASE("limits may be raised by a process whose capabilities can be read and have the one that it takes") {
    const auto with = [](int read, int have) {
        const Refused capabilities{Call::CapngGetCapsProcess, 0, 0, read}, one{Call::CapngHaveCapability, 0, 0, have};
        return may_raise_limits();
    };
    CHECK(with(0, 1));
    CHECK_FALSE(with(0, 0));
    CHECK_FALSE(with(-1, 1));
    CHECK_FALSE(with(-1, 0));
}

TEST_CASE("a kernel that does not name its release is taken for none") {
    const Refused refused{Call::Uname, EFAULT};
    CHECK_FALSE(release_at_least(0, 0));
    CHECK(refused.met());
}

TEST_CASE("a script without a user runs as keepalived_script where there is one, else as root") {
    const auto account = [] {
        const auto found = script_account({.argv = {"/x"}, .user = {}, .group = {}}, {}).value();
        return std::pair{found.uid, found.gid};
    };
    if (!find_account("keepalived_script")) CHECK(account() == std::pair{0U, 0U});
    const test::ScriptAccount own{4711};
    CHECK(account() == std::pair{4711U, 4711U});
}

TEST_CASE("a new file has a name of its own, and is its owner's alone until it is in its place") {
    const TemporaryFolder folder;
    const std::string path = folder.path + "/file";
    const auto first = NewFile::beside(path).value(), second = NewFile::beside(path).value();
    CHECK(files_in(folder) == 2);
    struct stat facts{};
    REQUIRE(::fstat(first.descriptor(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0600);
    // Where a name is taken, another one is tried.
    std::ofstream{path + ".aaaaaa"} << "taken";
    const Refused zeros{Call::Getrandom, 0};
    CHECK(NewFile::beside(path).has_value());
    CHECK(zeros.met());
    CHECK(text_of(path + ".aaaaaa") == "taken");
}

TEST_CASE("a folder that cannot be made is named in the error") {
    for (const char* path : {"/proc/none", "/proc/none/below"}) {
        CAPTURE(path);
        CHECK(make_directory(path, {0, 0}, 0700).error().text().starts_with("mkdir /proc/none: "));
    }
}

TEST_CASE("a script that anybody may change is insecure, sticky or not" * mainstay::test::kNeedsRoot) {
    const TemporaryFolder folder;
    const std::string path = with_file(folder, "#!/bin/sh\n");
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
    CHECK_FALSE(insecure_script(path, {0, 0}));
    REQUIRE(::chmod(path.c_str(), 01777) == 0);
    CHECK(insecure_script(path, {0, 0}));
}

#ifndef __SANITIZE_ADDRESS__
TEST_CASE("a process with a limit for files has one for its memory as well") {
    CHECK(in_child([] {
        return limit_self({.descriptors = 20, .address_space = 1ULL << 30, .file_size = 4096}) == 0 &&
               own_address_space_limit() == 1ULL << 30;
    }));
}
#endif
