// What is tried in a process of its own.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace mainstay::test {

// With this a child ends whose restriction failed.
inline constexpr int kNotRestricted = 77;

// Whether it is true in a child.
inline bool in_child(const std::function<bool()>& what) {
    const int child = ::fork();
    if (child == 0) ::_exit(what() ? 0 : 1);
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace mainstay::test
