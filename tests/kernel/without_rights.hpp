// What the kernel refuses: a thread without the rights of root, and a process that may open nothing more.
#pragma once

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mainstay::test {

// Until its end the calling thread, and no other one, can change nothing of the network. libc's seteuid() would change
// all threads.
class WithoutRights {
public:
    WithoutRights() { REQUIRE(become(65534) == 0); }
    WithoutRights(const WithoutRights&) = delete;
    WithoutRights& operator=(const WithoutRights&) = delete;
    ~WithoutRights() { become(0); }

private:
    static long become(unsigned user) { return ::syscall(SYS_setresuid, -1, user, -1); }
};

class WithoutDescriptors {
public:
    WithoutDescriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    WithoutDescriptors(const WithoutDescriptors&) = delete;
    WithoutDescriptors& operator=(const WithoutDescriptors&) = delete;
    ~WithoutDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

}  // namespace mainstay::test
