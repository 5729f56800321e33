// Calls of the C library that fail for the thread of a test, though neither the kernel at hand nor the rights of who
// runs the test would refuse them. All other calls are the C library's own.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mainstay::test {

enum class Call {
    Socket,
    Bind,
    Setsockopt,
    Getsockname,
    Send,
    Sendto,
    Sendmsg,
    Sendmmsg,
    Recv,
    Recvfrom,
    Recvmmsg,
    Poll,
    Read,
    Write,
    Fstat,
    Fstatfs,
    Fchmod,
    Fchown,
    Rename,
    Mlockall,
    Munlockall,
    Getrlimit,
    Setrlimit,
    Getrandom,
    Uname,
    SchedSetscheduler,
    CapngGetCapsProcess,
    CapngHaveCapability,
    CapngChangeId,
    Dup2,
    Setns,
    Prctl,
    Readlink,
    Gethostname,
    InotifyInit1,
    Mkfifo,
    Setpriority,
    Getifaddrs,
    Count
};

// While it lives, this thread's next call of the kind fails with `error`, after the first `spared` ones. Error 0: it
// does nothing, and returns `result`.
class Refused {
public:
    explicit Refused(Call call, int error, int spared = 0, int result = 0);
    Refused(const Refused&) = delete;
    Refused& operator=(const Refused&) = delete;
    ~Refused();
    [[nodiscard]] bool met() const;  // it has been refused

private:
    Call call_;
};

// Runs `act` before this thread's next call of the kind.
void before_next(Call call, std::function<void()> act);

// While it lives, this thread's setrlimit() does nothing but note what is asked: resource, soft and hard limit.
class NotedLimits {
public:
    NotedLimits();
    NotedLimits(const NotedLimits&) = delete;
    NotedLimits& operator=(const NotedLimits&) = delete;
    ~NotedLimits();
    std::vector<std::array<std::uint64_t, 3>> asked;
};

// The system call that fails with EIO when this thread makes it by its number; 0: none.
extern thread_local long refused_system_call;

// While it lives, each account is in these groups.
class Groups {
public:
    explicit Groups(std::vector<unsigned> groups);
    Groups(const Groups&) = delete;
    Groups& operator=(const Groups&) = delete;
    ~Groups();
};

// How many lists of interface addresses this program has from the C library and has not given back.
[[nodiscard]] int address_lists_held();

// While it lives, this host has an account keepalived_script, with this number for user and group.
class ScriptAccount {
public:
    explicit ScriptAccount(unsigned number);
    ScriptAccount(const ScriptAccount&) = delete;
    ScriptAccount& operator=(const ScriptAccount&) = delete;
    ~ScriptAccount();
};

// While it lives, this thread's host has a VRF, which alone has the IPv4 address; it is no address for other sockets.
class OneVrf {
public:
    OneVrf(std::string device, std::uint32_t address);
    OneVrf(const OneVrf&) = delete;
    OneVrf& operator=(const OneVrf&) = delete;
    ~OneVrf();
    int bind_to(int fd, std::string device);
    [[nodiscard]] int bind(int fd, std::uint32_t address);

private:
    std::string device_;
    std::uint32_t address_;
    std::map<int, std::string> bound_;  // the device by socket
};

// What `act` says that it attempted when one of its calls is refused with EIO; "" when it does without.
template <class Act>
std::string refused_attempt(Call call, int spared, const Act& act) {
    const Refused refused{call, EIO, spared};
    const auto done = act();
    REQUIRE(refused.met());
    if (done) return {};
    CHECK(done.error().sys_errno() == EIO);
    const std::string text = done.error().text();
    return text.substr(0, text.find(": Input/output error"));
}
template <class Act>
std::string refused_attempt(Call call, const Act& act, int spared = 0) {
    return refused_attempt(call, spared, act);
}

}  // namespace mainstay::test
