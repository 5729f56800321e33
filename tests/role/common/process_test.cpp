// What a role's process does to itself, each tried in a child that nobody else depends on.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>

#include "../../kept_log.hpp"
#include "../../kernel/in_child.hpp"
#include "../../kernel/needs_seccomp.hpp"
#include "../../kernel/time_slice.hpp"
#include "../../needs.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/system_calls.hpp"
#include "own_name.hpp"
#include "role/common/process.hpp"

using namespace mainstay;
using namespace mainstay::role;
using mainstay::role::test::own_name;
using mainstay::test::in_child;
using mainstay::test::KeptLog;
using mainstay::test::time_slice;

namespace {

// The exit status of a child; 1000 and more: the signal that ended it.
int status_of(const std::function<int()>& what) {
    const int child = ::fork();
    if (child == 0) ::_exit(what());
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}
bool has_locked_memory() {
    std::ifstream file{"/proc/self/status"};
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmLck:")) return line.find(" 0 kB") == std::string::npos;
    return false;
}
rlim_t real_time_limit() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_RTTIME, &limit) == 0 ? limit.rlim_cur : 0;
}
int first_cpu(const cpu_set_t& set) {
    int cpu = 0;
    while (cpu < CPU_SETSIZE && !CPU_ISSET(static_cast<std::size_t>(cpu), &set)) ++cpu;
    return cpu;
}

const kernel::Reach kNothingButNull{{{"/dev/null", kernel::PathRule::Access::Write}}, false};

bool has_no_filter = false;  // whether libseccomp can make none
int refused_load = 0;        // the error number with which it loads none

template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

#ifdef __SANITIZE_ADDRESS__
constexpr bool kLocksMemory = false;
#else
constexpr bool kLocksMemory = true;
#endif
constexpr mainstay::test::Needs kNeedsMemoryLocks{
    "needs a build without AddressSanitizer, in which mlockall() does nothing", [] { return kLocksMemory; }};

}  // namespace

// In place of libseccomp's, for all that is linked into the test program.
extern "C" void* seccomp_init(std::uint32_t action) {
    return has_no_filter ? nullptr : next<void*(std::uint32_t)>("seccomp_init")(action);
}

extern "C" int seccomp_load(void* filter) {
    return refused_load != 0 ? -refused_load : next<int(void*)>("seccomp_load")(filter);
}

TEST_CASE("a confined process has another account, its paths and its system calls" * mainstay::test::kNeedsRoot) {
    const auto confined = [](const std::function<int()>& then) {
        return status_of([&] {
            KeptLog log;
            if (!confine("nobody", {}, kNothingButNull, {}, log)) return 90;
            return then();
        });
    };
    CHECK(confined([] { return ::getuid() != 0 && ::geteuid() != 0 ? 0 : 1; }) == 0);
    if (kernel::landlock_version() != 0)
        CHECK(confined([] {
                  const bool others = ::open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
                  return !others && ::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 1;
              }) == 0);
    const bool restricted = confined([] {
                                ::signal(SIGSYS, SIG_DFL);
                                ::execl("/bin/true", "true", nullptr);
                                return 91;
                            }) == 1000 + SIGSYS;
    CHECK((restricted || !in_child([] { return kernel::restrict_system_calls({}).has_value(); })));
}

TEST_CASE("where there can be no list of system calls a process goes on without, but not if it cannot be loaded" *
          mainstay::test::kNeedsRoot * mainstay::test::kNeedsSeccomp) {
    const auto confined_with = [](bool none, int error, bool goes_on, std::string_view logged) {
        return in_child([&] {
            has_no_filter = none;
            refused_load = error;
            KeptLog log;
            return confine("nobody", {}, kNothingButNull, {}, log) == goes_on && log.texts.size() == 1 &&
                   log.texts[0].starts_with(logged);
        });
    };
    CHECK(confined_with(true, 0, true, "system calls are not restricted: "));
    CHECK(confined_with(false, EINVAL, false, "cannot restrict system calls: "));
}

TEST_CASE("a process whose account is missing is not confined, and says why") {
    KeptLog log;
    CHECK_FALSE(confine("no such account", {}, kNothingButNull, {}, log));
    REQUIRE(log.texts.size() == 1);
    CHECK(log.texts[0].starts_with("cannot drop privileges: "));
    CHECK(log.texts[0].find("no such account") != std::string::npos);
}

TEST_CASE("a process that has no memory left names its limit, if it has one") {
    CHECK(in_child([] {
        KeptLog log;
        const rlimit limit{3072ULL << 20, 3072ULL << 20};
        if (::setrlimit(RLIMIT_AS, &limit) != 0) return false;
        return out_of_memory(log) == 5 && log.texts == std::vector<std::string>{"out of memory (limited to 3072 MB)"};
    }));
    if (kernel::own_address_space_limit() != 0) return;
    KeptLog log;
    CHECK(out_of_memory(log) == 5);
    CHECK(log.texts == std::vector<std::string>{"out of memory"});
}

TEST_CASE("a role learns from the first message how to run") {
    auto line = ipc::make_channel();
    REQUIRE(line);
    ipc::RoleStartup startup;
    startup.log_ident = "mainstayd-vrrp";
    startup.spare = true;
    REQUIRE(ipc::send_message(line->first.get(), startup));
    const auto got = receive_startup(line->second.get());
    REQUIRE(got);
    CHECK(got->log_ident == "mainstayd-vrrp");
    CHECK(got->spare);
}

TEST_CASE("another first message, none, and one that cannot be read are errors") {
    auto other = ipc::make_channel(), gone = ipc::make_channel(), bad = ipc::make_channel();
    REQUIRE((other && gone && bad));
    REQUIRE(ipc::send_message(other->first.get(), ipc::Stop{}));
    CHECK(receive_startup(other->second.get()).error().code() == Errc::Invalid);
    gone->first.reset();
    CHECK(receive_startup(gone->second.get()).error().code() == Errc::State);
    REQUIRE(::send(bad->first.get(), "\xff", 1, MSG_NOSIGNAL) == 1);
    CHECK(receive_startup(bad->second.get()).error().code() == Errc::Unsupported);
}

TEST_CASE("a netlink socket gets the buffer of its keyword, forced if the file says so" * mainstay::test::kNeedsRoot) {
    const UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const auto bytes = [&fd] {
        int value = 0;
        socklen_t size = sizeof value;
        REQUIRE(::getsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &value, &size) == 0);
        return value;
    };
    const int usual = bytes();
    KeptLog log;
    config::Global global;
    size_netlink_buffer(fd.get(), global, config::kLvsCommandBuffer, log);
    CHECK(bytes() == usual);
    global.more.edit().values = {{"lvs_netlink_cmd_rcv_bufs", std::int64_t{16384}}};
    size_netlink_buffer(fd.get(), global, config::kLvsMonitorBuffer, log);
    CHECK(bytes() == usual);
    size_netlink_buffer(-1, global, config::kLvsCommandBuffer, log);
    CHECK(log.texts.empty());
    size_netlink_buffer(fd.get(), global, config::kLvsCommandBuffer, log);
    CHECK(bytes() == 32768);
    const UniqueFd no_socket{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    size_netlink_buffer(no_socket.get(), global, config::kLvsCommandBuffer, log);
    REQUIRE(log.texts.size() == 1);
    CHECK(log.texts[0].starts_with("lvs_netlink_cmd_rcv_bufs: setsockopt SO_RCVBUF:"));
    global.more.edit().values = {{"lvs_netlink_cmd_rcv_bufs", std::int64_t{64 << 20}},
                                 {"lvs_netlink_cmd_rcv_bufs_force", true}};
    size_netlink_buffer(no_socket.get(), global, config::kLvsCommandBuffer, log);
    CHECK(log.texts.back().starts_with("lvs_netlink_cmd_rcv_bufs: setsockopt SO_RCVBUFFORCE:"));
}

TEST_CASE("a process takes its name, and its own one back when the file gives none any more") {
    CHECK(in_child([] {
        KeptLog log;
        ProcessTuning tuning{log, "mainstayd-x", kernel::Slices::Usual};
        tuning.apply({.name = "other"});
        if (own_name() != "other") return false;
        tuning.apply({});
        return own_name() == "mainstayd-x" && log.texts.empty();
    }));
    CHECK(in_child([] {  // without a name in the file it keeps the one that it has
        KeptLog log;
        ProcessTuning tuning{log, "mainstayd-x", kernel::Slices::Usual};
        const auto before = own_name();
        tuning.apply({});
        return own_name() == before;
    }));
}

TEST_CASE("nice value, CPUs and the limit of computing time are applied" * mainstay::test::kNeedsRoot) {
    CHECK(in_child([] {
        KeptLog log;
        ProcessTuning tuning{log, "x", kernel::Slices::Usual};
        tuning.apply({.nice = 7, .rt_limit = Micros{4000}});
        return ::getpriority(PRIO_PROCESS, 0) == 7 && real_time_limit() == 4000 && log.texts.empty();
    }));
    CHECK(in_child([] {
        KeptLog log;
        ProcessTuning tuning{log, "x", kernel::Slices::Usual};
        tuning.apply({});
        return real_time_limit() == 10'000;
    }));
    CHECK(in_child([] {
        KeptLog log;
        ProcessTuning tuning{log, "x", kernel::Slices::Usual};
        cpu_set_t set;
        if (::sched_getaffinity(0, sizeof set, &set) != 0) return false;
        const int first = first_cpu(set);
        tuning.apply({.cpus = {first}});
        return ::sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1 && first_cpu(set) == first;
    }));
}

TEST_CASE("memory is locked for no_swap, and until it is taken out" * mainstay::test::kNeedsRoot * kNeedsMemoryLocks) {
    CHECK(in_child([] {
        KeptLog log;
        ProcessTuning tuning{log, "x", kernel::Slices::Usual};
        tuning.apply({.no_swap = true});
        if (log.has("no_swap: mlockall: Operation not permitted")) return true;
        if (!has_locked_memory()) return false;
        tuning.apply({});
        return !has_locked_memory();
    }));
}

TEST_CASE("what a reload leaves as it is is not set again") {
    CHECK(in_child([] {
        KeptLog log;
        ProcessTuning tuning{log, "x", kernel::Slices::Short};
        tuning.apply({});
        const rlimit other{5000, RLIM_INFINITY};
        if (::setrlimit(RLIMIT_RTTIME, &other) != 0) return false;
        tuning.apply({});
        return real_time_limit() == 5000;
    }));
}

TEST_CASE("a process that speaks in time has short time slices from its first options on, where Linux shows them" *
          mainstay::test::kNeedsTimeSlices) {
    const auto usual = time_slice();
    CHECK(in_child([&] {
        KeptLog log;
        ProcessTuning tuning{log, "x", kernel::Slices::Short};
        tuning.apply({});
        if (time_slice() != 100'000 || !kernel::set_normal_scheduling(kernel::Slices::Usual)) return false;
        tuning.apply({});  // nothing has changed
        return time_slice() == usual && log.texts.empty();
    }));
    CHECK(in_child([&] {
        KeptLog log;
        if (!kernel::set_normal_scheduling(kernel::Slices::Short)) return false;
        ProcessTuning tuning{log, "x", kernel::Slices::Usual};
        tuning.apply({});
        return time_slice() == 100'000;  // it is left as it was
    }));
}

TEST_CASE("what the kernel refuses is a warning that names the keyword") {
    CHECK(in_child([] {
        KeptLog log;
        ProcessTuning tuning{log, "x", kernel::Slices::Usual};
        tuning.apply({.cpus = {-1}});
        return log.texts.size() == 1 && log.texts[0].starts_with("cpu_affinity: ");
    }));
    CHECK(in_child([] {
        KeptLog log;
        ProcessTuning tuning{log, "x", kernel::Slices::Usual};
        tuning.apply({.rt_priority = 1000});
        return log.texts.size() == 1 && log.texts[0].starts_with("rt_priority 1000: ");
    }));
}

namespace {

bool may_be_real_time() {
    return in_child([] {
        const sched_param one{.sched_priority = 1};
        return ::sched_setscheduler(0, SCHED_RR, &one) == 0;
    });
}
int own_priority() {
    sched_param now{};
    return ::sched_getparam(0, &now) == 0 ? now.sched_priority : -1;
}
int own_class() { return ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK; }

constexpr mainstay::test::Needs kNeedsRealTime{"needs real-time scheduling", may_be_real_time};

}  // namespace

TEST_CASE("a real-time priority is set, changed, and given up again" * kNeedsRealTime) {
    CHECK(in_child([] {
        KeptLog log;
        ProcessTuning tuning{log, "x", kernel::Slices::Usual};
        tuning.apply({.rt_priority = 3});
        if (own_class() != SCHED_RR || own_priority() != 3) return false;
        tuning.apply({.rt_priority = 5});
        if (own_priority() != 5) return false;
        tuning.apply({});
        return own_class() == SCHED_OTHER && log.texts.empty();
    }));
}

TEST_CASE("a process that is late rises step by step to its ceiling, which is logged, and stays there" *
          kNeedsRealTime) {
    CHECK(in_child([] {
        KeptLog log;
        ProcessTuning tuning{log, "x", kernel::Slices::Usual};
        tuning.apply({.auto_ceiling = 2, .auto_delay = Micros{500}});
        tuning.look(Micros{499});
        if (own_class() != SCHED_OTHER || !log.texts.empty()) return false;
        tuning.look(Micros{500});
        if (own_class() != SCHED_RR || own_priority() != 1) return false;
        tuning.look(Micros{700});
        tuning.look(Micros{900});
        return own_priority() == 2 &&
               log.texts == std::vector<std::string>{"was 500 us late: real-time priority raised to 1",
                                                     "was 700 us late: real-time priority raised to 2"};
    }));
}

TEST_CASE("a process that left the real-time class for computing too long returns to its priority" * kNeedsRealTime) {
    CHECK(in_child([] {
        KeptLog log;
        ProcessTuning tuning{log, "x", kernel::Slices::Usual};
        tuning.apply({.rt_priority = 3, .rt_limit = Micros{250'000}});
        ::raise(SIGXCPU);  // as the kernel does at the limit
        if (own_class() == SCHED_RR) return false;
        tuning.look(Micros{0});
        return own_class() == SCHED_RR && own_priority() == 3 && log.texts.size() == 1 &&
               log.texts[0].starts_with("computed for longer than 250000 us without blocking and left the real-time");
    }));
}
