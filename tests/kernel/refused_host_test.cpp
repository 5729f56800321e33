// What the adapters for files, processes and limits make of a refused call: the test stands in for the call.
#include <doctest/doctest.h>
#include <fcntl.h>
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

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/link_poll.hpp"
#include "mainstay/kernel/log_sink.hpp"
#include "mainstay/kernel/new_file.hpp"
#include "mainstay/kernel/notify_fifo.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/process_limits.hpp"
#include "mainstay/kernel/process_watch.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/kernel/service_manager.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "mainstay/kernel/tracked_file.hpp"
#include "own_folder.hpp"
#include "refused_calls.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using test::Call;
using test::OwnFolder;
using test::Refused;
using test::text_of;

namespace {

// What `act` says when one of its calls is refused with EIO; "" when it does without.
template <class Act>
std::string told(Call call, const Act& act, int spared = 0) {
    const Refused refused{call, EIO, spared};
    const auto done = act();
    REQUIRE(refused.met());
    if (done) return {};
    CHECK(done.error().sys_errno() == EIO);
    const std::string text = done.error().text();
    return text.substr(0, text.find(": Input/output error"));
}

std::string with_file(const OwnFolder& folder, const std::string& text) {
    std::ofstream{folder.path + "/file"} << text;
    return folder.path + "/file";
}

std::size_t files_in(const OwnFolder& folder) {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator{folder.path}, std::filesystem::directory_iterator{}));
}

// Whether it is true in a child.
bool in_child(const std::function<bool()>& what) {
    const int child = ::fork();
    if (child == 0) ::_exit(what() ? 0 : 1);
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
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
    const OwnFolder folder;
    const std::string path = with_file(folder, "7\n");
    const auto read = [&] { return read_tracked_file(path); };
    CHECK(read().value() == "7\n");
    CHECK(told(Call::Fstat, read) == "look at " + path);
    CHECK(told(Call::Fstatfs, read) == "look at " + path);
}

TEST_CASE("a file that cannot be written as a whole is not put in place, and leaves nothing beside it") {
    const OwnFolder folder;
    const std::string path = with_file(folder, "old");
    const auto write = [&] { return write_file_safely(path, "new", 0640); };
    CHECK(told(Call::Write, write) == "write " + path);
    CHECK(told(Call::Fchmod, write).starts_with("fchmod " + path + "."));
    CHECK(told(Call::Rename, write).starts_with("rename to its place " + path + "."));
    CHECK(text_of(path) == "old");
    CHECK(files_in(folder) == 1);
    const std::string text = "durable";
    const auto durably = [&] { return write_file_durably(path, std::as_bytes(std::span{text}), 0640); };
    CHECK(told(Call::Write, durably) == "write " + path);
    CHECK(told(Call::Rename, durably).starts_with("rename to its place " + path + "."));
    CHECK(text_of(path) == "old");
    CHECK(files_in(folder) == 1);
    const Refused interrupted{Call::Write, EINTR};
    CHECK(write().has_value());
    CHECK(interrupted.met());
    CHECK(text_of(path) == "new");
}

TEST_CASE("a FIFO and a folder that cannot be given to their user say so") {
    const OwnFolder folder;
    const Account self{::getuid(), ::getgid()};
    int number = 0;
    const auto open = [&] { return open_notify_fifo(folder.path + "/fifo" + std::to_string(number++), self, 0600); };
    CHECK(told(Call::Fstat, open) == "look at the FIFO " + folder.path + "/fifo0");
    CHECK(told(Call::Fchown, open) == "give the FIFO " + folder.path + "/fifo1 to its user");
    CHECK(told(Call::Fchmod, open) == "give the FIFO " + folder.path + "/fifo2 to its user");
    if (::geteuid() != 0) return;
    const auto make = [&] { return make_directory(folder.path + "/made", self, 0700); };
    CHECK(told(Call::Fchown, make) == "give " + folder.path + "/made to user 0");
    CHECK(told(Call::Fchmod, make) == "give " + folder.path + "/made to user 0");
    CHECK(make().has_value());
}

TEST_CASE("settings of the kernel that cannot be read or written say so") {
    const auto read = [] { return read_sysctl("kernel/ostype"); };
    CHECK(told(Call::Read, read) == "read /proc/sys/kernel/ostype");
    CHECK(told(Call::Read, [] { return read_sysctl_number("kernel/pid_max"); }) == "read /proc/sys/kernel/pid_max");
}

TEST_CASE("a connector for processes that cannot be had says what was refused") {
    const auto open = [] { return ProcessConnector::open(); };
    CHECK(told(Call::Socket, open) == "open the process connector");
    if (!open()) return;
    CHECK(told(Call::Bind, open) == "bind the process connector");
    CHECK(told(Call::Getsockname, open) == "getsockname of the process connector");
    CHECK(told(Call::Send, open) == "ask the process connector");
    auto connector = open().value();
    CHECK(told(Call::Recvfrom, [&] { return connector.read(); }) == "read the process connector");
    const Refused interrupted{Call::Recvfrom, EINTR};
    CHECK(connector.read().has_value());
    CHECK(interrupted.met());
}

TEST_CASE("a socket that cannot be had is told with what it is for") {
    CHECK(told(Call::Socket, [] { return LinkPoller::open(); }) == "open a socket for polling links");
    const OwnFolder folder;
    const auto notify = [&] { return notify_socket(folder.path + "/manager", "READY=1"); };
    CHECK(told(Call::Socket, notify) == "socket to the service manager");
    if (::getuid() != 0) return;
    const auto own = open_network_namespace({}).value();
    CHECK(told(Call::Socket, [&] { return generic_netlink_in(own.get()); }) ==
          "open a netlink socket in another network namespace");
}

TEST_CASE("the service manager is told again after a signal, and a refusal names its socket") {
    const OwnFolder folder;
    const std::string path = folder.path + "/manager";
    const UniqueFd manager{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    REQUIRE(::bind(manager.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const auto notify = [&] { return notify_socket(path, "READY=1"); };
    CHECK(told(Call::Sendto, notify) == "tell " + path);
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
    CHECK(told(Call::Getrlimit, limit) == "getrlimit RLIMIT_RTTIME");
    CHECK(told(Call::Setrlimit, limit) == "setrlimit RLIMIT_RTTIME");
    const Refused refused{Call::Getrlimit, EIO};
    CHECK(own_address_space_limit() == 0);
    CHECK(refused.met());
}

TEST_CASE("memory is locked and let go, or the refusal says so") {
    CHECK(told(Call::Mlockall, [] { return lock_memory(true); }) == "mlockall");
    CHECK(told(Call::Munlockall, [] { return lock_memory(false); }) == "munlockall");
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
    const OwnFolder folder;
    ::setenv("MAINSTAY_KEPT", "as it was", 1);
    CHECK(in_child([&] {
        static_cast<void>(exec_again("/bin/sh",
                                     {"sh", "-c", "echo $MAINSTAY_KEPT, $MAINSTAY_ADDED > $0", folder.path + "/told"},
                                     "MAINSTAY_ADDED=new", {}));
        return false;
    }));
    ::unsetenv("MAINSTAY_KEPT");
    CHECK(text_of(folder.path + "/told") == "as it was, new\n");
}

TEST_CASE("a log socket's name has 107 bytes at most") {
    const OwnFolder folder;
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
