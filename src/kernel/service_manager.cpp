#include "mainstay/kernel/service_manager.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

namespace {

constexpr timeval kSendLimit{1, 0};

// Accepts only a complete number.
std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value <= 0) return std::nullopt;
    return value;
}

}  // namespace

Result<void> notify_socket(const std::string& address, std::string_view state) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    const bool abstract = address.starts_with('@');
    if (address.size() < 2 || (!abstract && !address.starts_with('/')))
        return fail(Errc::Unsupported, "the service manager's socket is neither a path nor abstract: " + address);
    if (address.size() >= sizeof to.sun_path)
        return fail(Errc::Invalid, "the service manager's socket has too long a name: " + address);
    std::ranges::copy(address, to.sun_path);
    if (abstract) to.sun_path[0] = '\0';
    const UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!fd) return fail_system("socket to the service manager", errno);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendLimit, sizeof kSendLimit);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() + (abstract ? 0 : 1));
    while (::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to),
                    length) < 0)
        if (errno != EINTR) return fail_system("tell " + address, errno);
    return {};
}

void notify_service_manager(std::string_view state) {
    const char* address = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): there is one thread
    if (address != nullptr) (void)notify_socket(address, state);
}

std::optional<std::chrono::microseconds> watchdog_interval(const char* usec, const char* pid) {
    const auto limit = number(usec == nullptr ? "" : usec);
    if (!limit || (pid != nullptr && number(pid) != ::getpid())) return std::nullopt;
    return std::chrono::microseconds{*limit / 2};
}

std::optional<std::chrono::microseconds> watchdog_interval() {
    return watchdog_interval(std::getenv("WATCHDOG_USEC"), std::getenv("WATCHDOG_PID"));  // NOLINT: as above
}

}  // namespace mainstay::kernel
