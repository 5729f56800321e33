// The lines of a burst of events, at a socket that stands for syslog's.
#include "role/common/event_log.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "mainstay/base/unique_fd.hpp"

using namespace mainstay;
using namespace mainstay::role;

namespace {

struct Syslog {
    Syslog() {
        std::string pattern = "/tmp/mainstay-event-log.XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(folder + "/log", address.sun_path);
        fd.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    Syslog(const Syslog&) = delete;
    Syslog& operator=(const Syslog&) = delete;
    ~Syslog() { std::filesystem::remove_all(folder); }
    [[nodiscard]] std::string next() const {  // without what stands before the text
        std::array<char, 8192> buffer{};
        const auto got = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        const std::string line{buffer.data(), got < 0 ? 0 : static_cast<std::size_t>(got)};
        const auto text = line.find("]: ");
        return text == std::string::npos ? line : line.substr(text + 3);
    }
    std::string folder;
    UniqueFd fd;
};

Event server_down(std::int64_t unix_us) {
    return {.kind = Event::Kind::RealServer,
            .name = "[10.0.0.11]:tcp:80",
            .parent = "[10.0.0.1]:tcp:80",
            .transition = Transition::Down,
            .reason = "connection refused",
            .at = {unix_us}};
}

constexpr std::int64_t kSecond = 1'000'000;

}  // namespace

TEST_CASE("the count of lines that a burst left out is logged soon after it, without another event") {
    const Syslog syslog;
    kernel::DaemonLog log{{.ident = "t", .socket = syslog.folder + "/log"}};
    EventLog events{log};
    std::uint32_t lines = 0;
    for (std::uint32_t i = 0; i < kServerLinesPerSecondMax + 7; ++i) {
        events.write(server_down(100 * kSecond + i));
        lines += syslog.next().empty() ? 0 : 1;
    }
    CHECK(lines == kServerLinesPerSecondMax);
    events.tick({100 * kSecond + 900'000});
    CHECK(syslog.next().empty());
    events.tick({101 * kSecond});
    CHECK(syslog.next() == "7 servers more changed their state within a second; mainstayctl events shows them");
    events.tick({102 * kSecond});
    CHECK(syslog.next().empty());
    events.write(server_down(102 * kSecond));
    CHECK(syslog.next() == "[10.0.0.11]:tcp:80 of VS [10.0.0.1]:tcp:80 is DOWN: connection refused");
}
