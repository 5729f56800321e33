#include "mainstay/kernel/service_manager.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>

#include "mainstay/base/unique_fd.hpp"

using namespace mainstay;

namespace {

// As a service manager listens. `name` may begin with a NUL: then it is abstract.
struct Listener {
    explicit Listener(const std::string& name) {
        fd.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(name, address.sun_path);
        REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                       static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0);
    }
    std::string next() const {
        std::array<char, 256> buffer{};
        const auto got = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        return got < 0 ? std::string{"nothing"} : std::string{buffer.data(), static_cast<std::size_t>(got)};
    }
    UniqueFd fd;
};

}  // namespace

TEST_CASE("the service manager gets the state as one datagram, at a path") {
    std::string folder = "/tmp/mainstay-notify.XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    const Listener listener{folder + "/notify"};

    REQUIRE(kernel::notify_socket(folder + "/notify", "READY=1\nSTATUS=running"));

    CHECK(listener.next() == "READY=1\nSTATUS=running");
    CHECK(listener.next() == "nothing");
    std::filesystem::remove_all(folder);
}

TEST_CASE("the service manager gets the state at an abstract socket") {
    const std::string name = "mainstay-notify-" + std::to_string(::getpid());
    const Listener listener{std::string{'\0'} + name};

    REQUIRE(kernel::notify_socket("@" + name, "WATCHDOG=1"));

    CHECK(listener.next() == "WATCHDOG=1");
}

TEST_CASE("a service manager that is not there is an error, not an end") {
    CHECK(kernel::notify_socket("/nowhere/notify", "READY=1").error().sys_errno() == ENOENT);
    CHECK(kernel::notify_socket("@" + std::string(200, 'x'), "READY=1").error().code() == Errc::Invalid);
    for (const char* address : {"", "@", "relative", "vsock:2:1"}) {
        CAPTURE(address);
        CHECK(kernel::notify_socket(address, "READY=1").error().code() == Errc::Unsupported);
    }
}

TEST_CASE("the watchdog is fed twice within the unit's limit, by the process that it watches alone") {
    const std::string own = std::to_string(::getpid()), other = std::to_string(::getppid());

    CHECK(kernel::watchdog_interval("400000", nullptr) == std::chrono::microseconds{200'000});
    CHECK(kernel::watchdog_interval("1", nullptr) == std::chrono::microseconds{0});
    CHECK(kernel::watchdog_interval("400000", own.c_str()) == std::chrono::microseconds{200'000});
    CHECK_FALSE(kernel::watchdog_interval("400000", other.c_str()));
    CHECK_FALSE(kernel::watchdog_interval(nullptr, nullptr));
    for (const char* odd : {"", "0", "-5", "1x", "99999999999999999999"}) {
        CAPTURE(odd);
        CHECK_FALSE(kernel::watchdog_interval(odd, nullptr));
    }
}

TEST_CASE("a service manager that does not read costs a second, and is reported as its error") {
    const std::string name = "mainstay-full-" + std::to_string(::getpid());
    const Listener listener{std::string{'\0'} + name};
    const auto begin = std::chrono::steady_clock::now();
    Result<void> sent;
    for (int i = 0; i < 10'000 && sent; ++i) sent = kernel::notify_socket("@" + name, "WATCHDOG=1");
    const auto took = std::chrono::steady_clock::now() - begin;

    REQUIRE_FALSE(sent.has_value());
    CHECK(sent.error().sys_errno() == EAGAIN);
    CHECK(sent.error().text().starts_with("tell @" + name));
    CHECK(took >= std::chrono::milliseconds{900});
}

TEST_CASE("what the environment names is notified, and without it nobody is") {
    const std::string name = "mainstay-named-" + std::to_string(::getpid());
    const Listener listener{std::string{'\0'} + name};
    ::unsetenv("NOTIFY_SOCKET");
    kernel::notify_service_manager("READY=1");
    CHECK(listener.next() == "nothing");
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    kernel::notify_service_manager("READY=1");
    ::unsetenv("NOTIFY_SOCKET");
    CHECK(listener.next() == "READY=1");
    ::setenv("WATCHDOG_USEC", "600000", 1);
    ::unsetenv("WATCHDOG_PID");
    CHECK(kernel::watchdog_interval() == std::chrono::microseconds{300'000});
    ::setenv("WATCHDOG_PID", std::to_string(::getppid()).c_str(), 1);
    CHECK_FALSE(kernel::watchdog_interval());
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
    CHECK_FALSE(kernel::watchdog_interval());
}
