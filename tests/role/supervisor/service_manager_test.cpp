// What a service manager (systemd) hears of a running supervisor.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include "../../needs.hpp"
#include "mainstay/kernel/clock.hpp"
#include "stage.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;

namespace {

// The manager's socket, whose name a supervisor finds that is started while this stands.
class Manager {
public:
    explicit Manager(const char* watchdog_us = nullptr) : fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at.sun_family) == 0);  // any name
        socklen_t size = sizeof at;
        REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
        const std::string name{&at.sun_path[1], size - offsetof(sockaddr_un, sun_path) - 1};
        ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
        if (watchdog_us != nullptr) ::setenv("WATCHDOG_USEC", watchdog_us, 1);
    }
    ~Manager() {
        ::unsetenv("NOTIFY_SOCKET");
        ::unsetenv("WATCHDOG_USEC");
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    // "none": nothing within this time.
    [[nodiscard]] std::string hear(std::chrono::milliseconds limit = 20s) const {
        pollfd wait{fd_.get(), POLLIN, 0};
        if (::poll(&wait, 1, static_cast<int>(limit.count())) != 1) return "none";
        std::array<char, 200> text{};
        const auto got = ::recv(fd_.get(), text.data(), text.size(), 0);
        return got < 0 ? "none" : std::string{text.data(), static_cast<std::size_t>(got)};
    }

private:
    UniqueFd fd_;
};

}  // namespace

TEST_CASE("a service manager hears when the daemon is ready, reloads, is ready again whatever comes of it, and stops" *
          mainstay::test::kNeedsRoot) {
    const Manager manager;
    Stage stage;
    auto& reader = stage.started("mainstayd-read");
    stage.send(reader, {});
    auto& vrrp = stage.started("mainstayd-vrrp");
    vrrp.hear<ipc::Prepare>();
    vrrp.send(ipc::Prepared{1, {}});
    vrrp.hear<ipc::Commit>();
    CHECK(manager.hear(100ms) == "none");
    vrrp.send(ipc::Committed{1});
    CHECK(manager.hear() == "READY=1\nSTATUS=running");
    auto& observer = stage.started("mainstayd-obs");
    stage.take_configuration(observer, 1);

    stage.signal(SIGHUP);
    CHECK(manager.hear() == "RELOADING=1");
    stage.send(reader, {});
    CHECK(vrrp.hear<ipc::Prepare>().generation == 2);
    CHECK(observer.hear<ipc::Prepare>().generation == 2);
    CHECK(manager.hear(100ms) == "none");
    vrrp.send(ipc::Prepared{2, {}});
    observer.send(ipc::Prepared{2, {}});
    CHECK(manager.hear() == "READY=1");
    vrrp.send(ipc::Committed{2});
    observer.send(ipc::Committed{2});

    stage.signal(SIGHUP);
    CHECK(manager.hear() == "RELOADING=1");
    reader.send(ipc::ReadingDone{.exit_code = 2, .summary = "broken", .stays = true, .wants_namespace = {}});
    CHECK(manager.hear() == "READY=1");
    stage.signal(SIGTERM);
    CHECK(manager.hear() == "STOPPING=1");
    CHECK(manager.hear(100ms) == "none");
}

TEST_CASE("the service manager's watchdog is fed twice in its time" * mainstay::test::kNeedsRoot) {
    const Manager manager{"1000000"};
    Stage stage;
    CHECK(manager.hear() == "WATCHDOG=1");
    const auto first = kernel::monotonic_now();
    CHECK(manager.hear() == "WATCHDOG=1");
    const auto between = kernel::monotonic_now() - first;
    CHECK(between > 250ms);
    CHECK(manager.hear() == "WATCHDOG=1");
}
