// What a process of the daemon does with signals that somebody sends.
#include "mainstay/kernel/signals.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "in_child.hpp"

using namespace mainstay;
using namespace mainstay::kernel;

namespace {

// The signal that ends a child which does this; 0: none.
int end_of(const std::function<void()>& what) {
    const int child = ::fork();
    if (child == 0) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        set_signals(BornWith::Defaults);  // doctest has handlers
        what();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("no signal that can be ignored ends or stops a process that ignores all it does not use") {
    CHECK(end_of([] {
              ignore_unused_signals();
              for (int signal = 1; signal <= 64; ++signal)
                  if (signal != SIGKILL && signal != SIGSTOP) ::kill(::getpid(), signal);
          }) == 0);
}

TEST_CASE("what has a handler or is excepted keeps it, and the ends of children are told") {
    CHECK(end_of([] {
              ::signal(SIGUSR1, [](int) { ::_exit(0); });
              ignore_unused_signals({SIGTERM});
              ::raise(SIGUSR1);
              ::abort();
          }) == 0);
    CHECK(end_of([] {
              ignore_unused_signals({SIGTERM});
              ::kill(::getpid(), SIGTERM);
          }) == SIGTERM);
    CHECK(test::in_child([] {
        ignore_unused_signals();
        const int child = ::fork();
        if (child == 0) ::_exit(7);
        int status = 0;
        return ::waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7;
    }));
}

TEST_CASE("a real fault ends a process that ignores its signal when it is sent") {
    CHECK(end_of([] {
              ignore_unused_signals();
              ::abort();
          }) == SIGABRT);
    CHECK(end_of([] {
              set_signals(BornWith::Deaf);
              volatile int* const nowhere = nullptr;
              *nowhere = 1;  // NOLINT(clang-analyzer-core.NullDereference): it is meant
          }) == SIGSEGV);
    CHECK(end_of([] {
              set_signals(BornWith::Deaf);
              __builtin_trap();
          }) != 0);
}

TEST_CASE("those that are queued are blocked, and no others, and one that waited before is among them") {
    CHECK(test::in_child([] {
        sigset_t set;
        ::sigfillset(&set);
        ::sigprocmask(SIG_SETMASK, &set, nullptr);
        ::kill(::getpid(), SIGHUP);
        const auto queue = queue_signals(asking_signals());
        ::sigprocmask(SIG_SETMASK, nullptr, &set);
        return queue && next_signal(queue->get()) == SIGHUP && ::sigismember(&set, SIGUSR1) == 1 &&
               ::sigismember(&set, SIGTERM) == 0;
    }));
}

TEST_CASE("the signals by which keepalived's children are asked are queued, whether or not they were ignored") {
    CHECK(test::in_child([] {
        set_signals(BornWith::Deaf);
        const auto queue = queue_signals(asking_signals());
        if (!queue || next_signal(queue->get())) return false;
        ::kill(::getpid(), SIGUSR2);
        ::kill(::getpid(), SIGTERM);
        ::kill(::getpid(), 36);
        const auto first = next_signal(queue->get()), second = next_signal(queue->get());
        return first == SIGUSR2 && second == 36 && !next_signal(queue->get());
    }));
    CHECK(asking_signals() == std::array{1, 10, 12, 36, 63});
}
