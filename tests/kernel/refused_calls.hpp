// Calls of the C library that fail for the thread of a test, though neither the kernel at hand nor the rights of who
// runs the test would refuse them. All other calls are the C library's own.
#pragma once

#include <cstdint>
#include <map>
#include <string>

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
    Count
};

// While it lives, this thread's next call of the kind fails with `error`, after the first `spared` ones. Error 0: it
// does nothing, and returns 0.
class Refused {
public:
    explicit Refused(Call call, int error, int spared = 0);
    Refused(const Refused&) = delete;
    Refused& operator=(const Refused&) = delete;
    ~Refused();
    [[nodiscard]] bool met() const;  // it has been refused

private:
    Call call_;
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

}  // namespace mainstay::test
