#include "mainstay/kernel/signals.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mainstay::kernel {
namespace {

constexpr unsigned long kDefault = 0, kIgnore = 1;  // SIG_DFL and SIG_IGN, as numbers
constexpr std::size_t kMaskBytes = _NSIG / 8;

// The kernel's struct sigaction as words: the handler, then flags and mask, which stay empty. The C library's
// functions refuse the two signals that it keeps for itself, 32 and 33, until it has a use for them.
using Action = std::array<unsigned long, 8>;

void set_handler(int signal, unsigned long handler) {
    const Action action{handler};
    ::syscall(SYS_rt_sigaction, signal, action.data(), nullptr, kMaskBytes);
}

bool has_default(int signal) {
    Action now{};
    return ::syscall(SYS_rt_sigaction, signal, nullptr, now.data(), kMaskBytes) == 0 && now[0] == kDefault;
}

}  // namespace

std::array<int, 5> asking_signals() { return {SIGHUP, SIGUSR1, SIGUSR2, SIGRTMIN + 2, SIGRTMAX - 1}; }

void ignore_unused_signals(std::initializer_list<int> but) {
    for (int signal = 1; signal < _NSIG; ++signal)
        if (signal != SIGCHLD && std::ranges::find(but, signal) == but.end() && has_default(signal))
            set_handler(signal, kIgnore);
}

void set_signals(BornWith what) {
    // CHLD: who ignores it is not told how its children ended.
    for (int signal = 1; signal < _NSIG; ++signal)
        set_handler(signal, what == BornWith::Deaf && signal != SIGCHLD ? kIgnore : kDefault);
    const std::array<unsigned long, 2> none{};
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, none.data(), nullptr, kMaskBytes);
}

Result<UniqueFd> queue_signals(std::span<const int> signals) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : signals) ::sigaddset(&set, signal);
    if (const int error = ::pthread_sigmask(SIG_SETMASK, &set, nullptr); error != 0)
        return fail_system("block signals", error);
    UniqueFd queue{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!queue) return fail_system("signalfd", errno);
    return queue;
}

std::optional<int> next_signal(int queue) {
    signalfd_siginfo info{};
    if (::read(queue, &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
}

}  // namespace mainstay::kernel
