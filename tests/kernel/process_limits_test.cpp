#include "mainstay/kernel/process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

using namespace mainstay;
using namespace mainstay::kernel;

namespace {

// The status of a child that waits until it has been limited, gives up root, and does `what`.
template <class What>
int status_of_limited(const ProcessLimits& limits, What what) {
    int gate[2];
    REQUIRE(::pipe(gate) == 0);
    const int pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        char go = 0;
        ::close(gate[1]);
        (void)!::read(gate[0], &go, 1);
        if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(99);
        ::_exit(what());
    }
    const auto limited = limit_process(pid, limits);
    ::close(gate[0]);
    ::close(gate[1]);
    CHECK(limited.has_value());
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

constexpr std::uint64_t kGigabyte = 1ULL << 30;

}  // namespace

TEST_CASE("a limited process opens no more descriptors than it may") {
    CHECK(status_of_limited({20, 4 * kGigabyte}, [] {
              int fd = 0;
              while ((fd = ::open("/dev/null", O_RDONLY)) >= 0) {
              }
              return errno == EMFILE && ::fcntl(19, F_GETFD) >= 0 && ::fcntl(20, F_GETFD) < 0 ? 0 : 1;
          }) == 0);
}

TEST_CASE("a limited process cannot raise its limits") {
    CHECK(status_of_limited({20, 4 * kGigabyte}, [] {
              const rlimit more{1024, 1024};
              return ::setrlimit(RLIMIT_NOFILE, &more) != 0 && errno == EPERM ? 0 : 1;
          }) == 0);
}

TEST_CASE("a limited process writes no file beyond its limit, whoever opened it") {
    const int file = ::memfd_create("limited", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    CHECK(status_of_limited({20, 4 * kGigabyte, 4096}, [file] {
              ::signal(SIGXFSZ, SIG_IGN);
              if (::pwrite(file, "x", 1, 4095) != 1) return 2;
              return ::pwrite(file, "x", 1, 4096) < 0 && errno == EFBIG ? 0 : 1;
          }) == 0);
    ::close(file);
}

#ifndef __SANITIZE_ADDRESS__
TEST_CASE("a limited process gets no more address space than it may") {
    CHECK(status_of_limited({20, kGigabyte}, [] {
              if (own_address_space_limit() != kGigabyte) return 2;
              volatile auto* memory = static_cast<char*>(::malloc(2 * kGigabyte));
              return memory == nullptr ? 0 : 1;
          }) == 0);
}
#endif

TEST_CASE("a process is allowed the descriptors that it needs, up to its hard limit, and never fewer than it has") {
    const auto allowed = [](rlim_t soft, rlim_t hard, std::uint64_t wanted) {
        return status_of_limited({400, 4 * kGigabyte}, [=] {
            const rlimit own{soft, hard};
            if (::setrlimit(RLIMIT_NOFILE, &own) != 0) return 1;
            const auto said = allow_descriptors(wanted);
            rlimit now{};
            if (::getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_max != hard) return 2;
            return said == now.rlim_cur ? static_cast<int>(said) : 3;
        });
    };
    CHECK(allowed(50, 200, 100) == 100);
    CHECK(allowed(50, 200, 200) == 200);
    CHECK(allowed(50, 200, 201) == 200);
    CHECK(allowed(50, 200, 50) == 50);
    CHECK(allowed(50, 200, 49) == 50);
}

TEST_CASE("limits may be raised by those that have the capability, and by no account without it") {
    const auto limits = ProcessLimits{20, 4 * kGigabyte};
    CHECK(status_of_limited(limits, [] { return may_raise_limits() ? 1 : 0; }) == 0);  // it has given up root
    const int pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        rlimit high{};
        if (::getrlimit(RLIMIT_NOFILE, &high) != 0) ::_exit(2);
        const rlimit low{high.rlim_max - 1, high.rlim_max - 1};
        if (::setrlimit(RLIMIT_NOFILE, &low) != 0) ::_exit(3);
        ::_exit((::setrlimit(RLIMIT_NOFILE, &high) == 0) == may_raise_limits() ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
}

TEST_CASE("limits may be raised no more by a process that has given up root since it asked") {
    const int pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        (void)may_raise_limits();
        if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
        ::_exit(may_raise_limits() ? 1 : 0);
    }
    int status = -1;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
}

TEST_CASE("a process that is not there cannot be limited") {
    CHECK(limit_process(-1, {20, kGigabyte}).error().text().starts_with("prlimit of process -1"));
}
