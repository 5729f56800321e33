#include "kernel_calls.hpp"

#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>

#include "clock.hpp"

namespace mainstay::probe::test {
namespace {

thread_local KernelCalls* current = nullptr;

template <class Call>
Call* real(const char* name) {
    return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

// The monotonic clock, as pass() has it.
std::atomic<std::int64_t> ahead_ns = 0;
std::mutex timers_mutex;
std::map<int, std::int64_t> timers;  // descriptor -> when it ends

std::int64_t nanoseconds_of(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }
timespec at(std::int64_t nanoseconds) { return {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000}; }
std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }
int set_timer(int fd, int flags, const itimerspec* wanted, itimerspec* before) {
    return real<int(int, int, const itimerspec*, itimerspec*)>("timerfd_settime")(fd, flags, wanted, before);
}

// The next errno that is wanted, if any.
bool fails(std::deque<int>& errors) {
    if (errors.empty()) return false;
    const int error = errors.front();
    errors.pop_front();
    if (error != 0) errno = error;
    return error != 0;
}

int refuse(int error) {
    errno = error;
    return -1;
}

bool is_stream(int fd) {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

bool stream_fails(int fd) {
    return current != nullptr && !current->stream_errors.empty() && is_stream(fd) && fails(current->stream_errors);
}

bool is_icmp(int protocol) { return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6; }

int icmp_socket(int domain, int type) {
    const bool raw = (type & 0xf) == SOCK_RAW;
    if (current->only_raw && !raw) return refuse(EACCES);
    if (current->icmp_error != 0) return refuse(current->icmp_error);
    if (raw && current->raw_error != 0) return refuse(current->raw_error);
    current->was_raw = raw;
    current->was_v6 = domain == AF_INET6;
    const int fd = real<int(int, int, int)>("socket")(AF_INET, (type & ~0xf) | SOCK_DGRAM, 0);
    current->icmp_fds.push_back(fd);
    return fd;
}

}  // namespace

KernelCalls::KernelCalls() { current = this; }
KernelCalls::~KernelCalls() { current = nullptr; }

void pass_unheard(std::chrono::nanoseconds more) { ahead_ns += more.count(); }

void pass(std::chrono::nanoseconds more) {
    const std::lock_guard lock{timers_mutex};
    ahead_ns += more.count();
    for (const auto& [fd, end] : timers) {
        const itimerspec left{.it_interval = {}, .it_value = at(std::max<std::int64_t>(end - now_ns(), 1))};
        set_timer(fd, 0, &left, nullptr);
    }
}

}  // namespace mainstay::probe::test

using namespace mainstay::probe::test;

// In place of the C library's, for all that is linked into the test program.
extern "C" {

int socket(int domain, int type, int protocol) noexcept {
    if (current != nullptr && current->icmp && mainstay::probe::test::is_icmp(protocol))
        return mainstay::probe::test::icmp_socket(domain, type);
    return real<int(int, int, int)>("socket")(domain, type, protocol);
}

int connect(int fd, const sockaddr* address, socklen_t size) {
    auto* const call = real<int(int, const sockaddr*, socklen_t)>("connect");
    if (current == nullptr) return call(fd, address, size);
    if (current->connect_error != 0) return mainstay::probe::test::refuse(current->connect_error);
    if (current->stream_connect_error != 0 && mainstay::probe::test::is_stream(fd))
        return mainstay::probe::test::refuse(current->stream_connect_error);
    if (std::ranges::find(current->icmp_fds, fd) == current->icmp_fds.end()) return call(fd, address, size);
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(current->icmp->port);
    server.sin_addr.s_addr = htonl(current->icmp->address.v4_host_order());
    return call(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server);
}

ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
    if (current != nullptr && mainstay::probe::test::fails(current->send_errors)) return -1;
    if (mainstay::probe::test::stream_fails(fd)) return -1;
    return real<ssize_t(int, const void*, std::size_t, int)>("send")(fd, bytes, size, flags);
}

ssize_t recv(int fd, void* bytes, std::size_t size, int flags) {
    if (current != nullptr && mainstay::probe::test::fails(current->recv_errors)) return -1;
    if (mainstay::probe::test::stream_fails(fd)) return -1;
    const ssize_t got = real<ssize_t(int, void*, std::size_t, int)>("recv")(fd, bytes, size, flags);
    if (current != nullptr && got >= 0) ++current->received;
    return got;
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    if (mainstay::probe::test::stream_fails(fd)) return -1;
    return real<ssize_t(int, const msghdr*, int)>("sendmsg")(fd, message, flags);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
    if (mainstay::probe::test::stream_fails(fd)) return -1;
    return real<ssize_t(int, msghdr*, int)>("recvmsg")(fd, message, flags);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
    const int result = real<int(clockid_t, timespec*)>("clock_gettime")(clock, time);
    if (result == 0 && clock == CLOCK_MONOTONIC) *time = at(nanoseconds_of(*time) + ahead_ns);
    return result;
}

int timerfd_settime(int fd, int flags, const itimerspec* wanted, itimerspec* before) noexcept {
    const std::lock_guard lock{timers_mutex};
    timers.erase(fd);
    if (flags == 0) timers[fd] = now_ns() + nanoseconds_of(wanted->it_value);
    return set_timer(fd, flags, wanted, before);
}

int epoll_create1(int flags) noexcept {
    if (current != nullptr && current->epolls && --*current->epolls < 0) return mainstay::probe::test::refuse(EMFILE);
    return real<int(int)>("epoll_create1")(flags);
}

int epoll_ctl(int set, int operation, int fd, epoll_event* event) noexcept {
    int type = 0;
    socklen_t size = sizeof type;
    if (current != nullptr && current->watch_error != 0 && operation == EPOLL_CTL_ADD &&
        ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0)
        return mainstay::probe::test::refuse(current->watch_error);
    return real<int(int, int, int, epoll_event*)>("epoll_ctl")(set, operation, fd, event);
}

}  // extern "C"
