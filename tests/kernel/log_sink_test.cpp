#include "mainstay/kernel/log_sink.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "mainstay/base/unique_fd.hpp"

using namespace mainstay;

namespace {

// A /dev/log of our own in a fresh folder.
struct LogSocket {
    LogSocket() {
        std::string pattern = "/tmp/mainstay-log.XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
        path = folder + "/log";
        fd.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path, address.sun_path);
        REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    ~LogSocket() { std::filesystem::remove_all(folder); }
    LogSocket(const LogSocket&) = delete;
    LogSocket& operator=(const LogSocket&) = delete;
    std::string next() const {
        std::array<char, 8192> buffer{};
        const auto got = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        return got < 0 ? std::string{} : std::string{buffer.data(), static_cast<std::size_t>(got)};
    }
    std::string folder, path;
    UniqueFd fd;
};

}  // namespace

TEST_CASE("a line becomes one RFC 3164 datagram with facility, severity, ident and pid") {
    ::setenv("TZ", "UTC", 1);

    const auto datagram =
        kernel::syslog_datagram(16, LogLevel::Warning, 1795162500, "Keepalived_vrrp", 42, "(VI_1) a\nb");

    CHECK(datagram == "<132>Nov 20 08:15:00 Keepalived_vrrp[42]: (VI_1) a b");
}

TEST_CASE("lines below the level are not written") {
    const LogSocket socket;
    kernel::DaemonLog log{{.ident = "t", .socket = socket.path, .level = LogLevel::Info}};

    log.debug("hidden {}", 1);
    log.info("shown {}", 2);

    CHECK(socket.next().ends_with("]: shown 2"));
    CHECK(socket.next().empty());
}

TEST_CASE("a log socket without a reader costs lines, not time, and the loss is logged afterwards") {
    const LogSocket socket;
    kernel::DaemonLog log{{.ident = "t", .socket = socket.path}};

    for (int i = 0; i < 20000; ++i) log.info("line {}", i);
    const auto lost = log.lost();
    CHECK(lost > 0);
    while (!socket.next().empty()) {
    }
    log.info("after");

    CHECK(socket.next().ends_with(std::to_string(lost) + " log lines were lost: the log socket was not read"));
    CHECK(socket.next().ends_with("]: after"));
}

TEST_CASE("without a log socket nothing fails and losses are counted") {
    kernel::DaemonLog log{{.ident = "t", .socket = "/nonexistent/log"}};

    log.info("x");

    CHECK(log.lost() == 1);
}
