// The C library's inline forms of these functions, which check sizes, would stand in the way.
#undef _FORTIFY_SOURCE
#include "refused_calls.hpp"

#include <cap-ng.h>
#include <dlfcn.h>
#include <grp.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <utility>

namespace mainstay::test {
namespace {

struct Plan {
    bool waits = false;
    int spared = 0, error = 0, result = 0;
    std::function<void()> before = nullptr;
};

thread_local OneVrf* vrf = nullptr;
thread_local std::vector<unsigned> groups;
thread_local NotedLimits* noted = nullptr;
thread_local unsigned number_of_script_account = 0;
std::atomic<int> lists_held = 0;
thread_local std::array<Plan, static_cast<std::size_t>(Call::Count)> plans;

Plan& plan(Call call) { return plans[static_cast<std::size_t>(call)]; }

// Whether this call is the one that is refused; errno is set then.
bool refuses(Call call) {
    Plan& own = plan(call);
    if (const auto act = std::exchange(own.before, nullptr)) act();
    if (!own.waits || own.spared-- > 0) return false;
    own.waits = false;
    if (own.error != 0) errno = own.error;
    return true;
}

template <class Result>
Result answer(Call call) {
    return plan(call).error == 0 ? Result{plan(call).result} : Result{-1};
}

template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

Refused::Refused(Call call, int error, int spared, int result) : call_{call} {
    plan(call) = {.waits = true, .spared = spared, .error = error, .result = result};
}
Refused::~Refused() { plan(call_) = {}; }
bool Refused::met() const { return !plan(call_).waits; }

void before_next(Call call, std::function<void()> act) { plan(call).before = std::move(act); }

NotedLimits::NotedLimits() { noted = this; }
NotedLimits::~NotedLimits() { noted = nullptr; }

thread_local long refused_system_call = 0;

Groups::Groups(std::vector<unsigned> given) { groups = std::move(given); }
Groups::~Groups() { groups.clear(); }

int address_lists_held() { return lists_held; }

ScriptAccount::ScriptAccount(unsigned number) { number_of_script_account = number; }
ScriptAccount::~ScriptAccount() { number_of_script_account = 0; }

OneVrf::OneVrf(std::string device, std::uint32_t address) : device_{std::move(device)}, address_{address} {
    vrf = this;
}
OneVrf::~OneVrf() { vrf = nullptr; }
int OneVrf::bind_to(int fd, std::string device) { return bound_[fd] = std::move(device), 0; }
int OneVrf::bind(int fd, std::uint32_t address) {
    const std::string device = std::exchange(bound_[fd], {});  // the next socket with this number is another one
    if (address == address_ && device == device_) return 0;
    return errno = EADDRNOTAVAIL, -1;
}

}  // namespace mainstay::test

using namespace mainstay::test;

// In place of the C library's, for all that is linked into the test program.
#define STAND_IN(kind, result, name, symbol, parameters, arguments, exceptions)   \
    extern "C" result name parameters exceptions {                                \
        static auto* const real = next<result parameters>(symbol);                \
        return refuses(Call::kind) ? answer<result>(Call::kind) : real arguments; \
    }

STAND_IN(Socket, int, socket, "socket", (int domain, int type, int protocol), (domain, type, protocol), noexcept)
STAND_IN(Getsockname, int, getsockname, "getsockname", (int fd, sockaddr* own, socklen_t* size), (fd, own, size),
         noexcept)
STAND_IN(Send, ssize_t, send, "send", (int fd, const void* bytes, std::size_t size, int flags),
         (fd, bytes, size, flags), )
STAND_IN(Sendto, ssize_t, sendto, "sendto",
         (int fd, const void* bytes, std::size_t size, int flags, const sockaddr* to, socklen_t length),
         (fd, bytes, size, flags, to, length), )
STAND_IN(Sendmsg, ssize_t, sendmsg, "sendmsg", (int fd, const msghdr* message, int flags), (fd, message, flags), )
STAND_IN(Sendmmsg, int, sendmmsg, "sendmmsg", (int fd, mmsghdr* messages, unsigned count, int flags),
         (fd, messages, count, flags), )
STAND_IN(Recv, ssize_t, recv, "recv", (int fd, void* bytes, std::size_t size, int flags), (fd, bytes, size, flags), )
STAND_IN(Recvfrom, ssize_t, recvfrom, "recvfrom",
         (int fd, void* bytes, std::size_t size, int flags, sockaddr* from, socklen_t* length),
         (fd, bytes, size, flags, from, length), )
STAND_IN(Recvmmsg, int, recvmmsg, "recvmmsg", (int fd, mmsghdr* messages, unsigned count, int flags, timespec* limit),
         (fd, messages, count, flags, limit), )
STAND_IN(Poll, int, poll, "poll", (pollfd * looks, nfds_t count, int limit_ms), (looks, count, limit_ms), )
STAND_IN(Read, ssize_t, read, "read", (int fd, void* bytes, std::size_t size), (fd, bytes, size), )
STAND_IN(Write, ssize_t, write, "write", (int fd, const void* bytes, std::size_t size), (fd, bytes, size), )
STAND_IN(Fstat, int, fstat, "fstat64", (int fd, struct stat* facts), (fd, facts), noexcept)
STAND_IN(Fstatfs, int, fstatfs, "fstatfs64", (int fd, struct statfs* facts), (fd, facts), noexcept)
STAND_IN(Fchmod, int, fchmod, "fchmod", (int fd, mode_t mode), (fd, mode), noexcept)
STAND_IN(Fchown, int, fchown, "fchown", (int fd, uid_t user, gid_t group), (fd, user, group), noexcept)
STAND_IN(Rename, int, rename, "rename", (const char* from, const char* to), (from, to), noexcept)
STAND_IN(Mlockall, int, mlockall, "mlockall", (int flags), (flags), noexcept)
STAND_IN(Munlockall, int, munlockall, "munlockall", (), (), noexcept)
STAND_IN(Getrlimit, int, getrlimit, "getrlimit64", (__rlimit_resource_t what, rlimit* bounds), (what, bounds), noexcept)
STAND_IN(Getrandom, ssize_t, getrandom, "getrandom", (void* bytes, std::size_t size, unsigned flags),
         (bytes, size, flags), )
STAND_IN(Uname, int, uname, "uname", (utsname * names), (names), noexcept)
STAND_IN(SchedSetscheduler, int, sched_setscheduler, "sched_setscheduler",
         (pid_t pid, int policy, const sched_param* more), (pid, policy, more), noexcept)
STAND_IN(CapngGetCapsProcess, int, capng_get_caps_process, "capng_get_caps_process", (), (), )
STAND_IN(CapngHaveCapability, int, capng_have_capability, "capng_have_capability",
         (capng_type_t which, unsigned capability), (which, capability), )

extern "C" int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
    static auto* const real = next<int(int, int, int, const void*, socklen_t)>("setsockopt");
    if (refuses(Call::Setsockopt)) return answer<int>(Call::Setsockopt);
    if (vrf == nullptr || level != SOL_SOCKET || name != SO_BINDTODEVICE) return real(fd, level, name, value, size);
    const auto* device = static_cast<const char*>(value);
    return vrf->bind_to(fd, {device, ::strnlen(device, size)});
}

extern "C" int bind(int fd, const sockaddr* to, socklen_t size) noexcept {
    static auto* const real = next<int(int, const sockaddr*, socklen_t)>("bind");
    if (refuses(Call::Bind)) return answer<int>(Call::Bind);
    if (vrf == nullptr || to->sa_family != AF_INET) return real(fd, to, size);
    sockaddr_in wanted{};
    std::memcpy(&wanted, to, std::min<std::size_t>(size, sizeof wanted));
    return vrf->bind(fd, ntohl(wanted.sin_addr.s_addr));
}
STAND_IN(CapngChangeId, int, capng_change_id, "capng_change_id", (int user, int group, capng_flags_t flags),
         (user, group, flags), )
STAND_IN(Dup2, int, dup2, "dup2", (int from, int to), (from, to), noexcept)
STAND_IN(Setns, int, setns, "setns", (int fd, int kind), (fd, kind), noexcept)
STAND_IN(Readlink, ssize_t, readlink, "readlink", (const char* path, char* room, std::size_t size), (path, room, size),
         noexcept)
STAND_IN(Gethostname, int, gethostname, "gethostname", (char* room, std::size_t size), (room, size), noexcept)
STAND_IN(InotifyInit1, int, inotify_init1, "inotify_init1", (int flags), (flags), noexcept)
STAND_IN(Mkfifo, int, mkfifo, "mkfifo", (const char* path, mode_t mode), (path, mode), noexcept)
STAND_IN(Setpriority, int, setpriority, "setpriority", (__priority_which_t which, id_t who, int value),
         (which, who, value), noexcept)

extern "C" int prctl(int what, ...) noexcept {
    static auto* const real = next<int(int, unsigned long, unsigned long, unsigned long, unsigned long)>("prctl");
    if (refuses(Call::Prctl)) return answer<int>(Call::Prctl);
    unsigned long given[4];
    va_list rest;
    va_start(rest, what);
    for (unsigned long& one : given) one = va_arg(rest, unsigned long);
    va_end(rest);
    return real(what, given[0], given[1], given[2], given[3]);
}

extern "C" int getgrouplist(const char* user, gid_t group, gid_t* list, int* count) {
    static auto* const real = next<int(const char*, gid_t, gid_t*, int*)>("getgrouplist");
    if (groups.empty()) return real(user, group, list, count);
    const int room = std::exchange(*count, static_cast<int>(groups.size()));
    for (int i = 0; i < std::min(room, *count); ++i) list[i] = groups[static_cast<std::size_t>(i)];
    return room < *count ? -1 : *count;
}

extern "C" int setrlimit(__rlimit_resource_t what, const rlimit* bounds) noexcept {
    static auto* const real = next<int(__rlimit_resource_t, const rlimit*)>("setrlimit64");
    if (refuses(Call::Setrlimit)) return answer<int>(Call::Setrlimit);
    if (noted == nullptr) return real(what, bounds);
    noted->asked.push_back({static_cast<std::uint64_t>(what), bounds->rlim_cur, bounds->rlim_max});
    return 0;
}

extern "C" int getifaddrs(ifaddrs** list) noexcept {
    static auto* const real = next<int(ifaddrs**)>("getifaddrs");
    if (refuses(Call::Getifaddrs)) return answer<int>(Call::Getifaddrs);
    const int done = real(list);
    if (done == 0) ++lists_held;
    return done;
}

extern "C" void freeifaddrs(ifaddrs* list) noexcept {
    static auto* const real = next<void(ifaddrs*)>("freeifaddrs");
    --lists_held;
    real(list);
}

extern "C" int getpwnam_r(const char* name, passwd* entry, char* room, std::size_t size, passwd** found) {
    static auto* const real = next<int(const char*, passwd*, char*, std::size_t, passwd**)>("getpwnam_r");
    if (number_of_script_account == 0 || std::strcmp(name, "keepalived_script") != 0)
        return real(name, entry, room, size, found);
    *entry = {};
    entry->pw_uid = entry->pw_gid = number_of_script_account;
    *found = entry;
    return 0;
}
