#include "startup.hpp"

#include <poll.h>

#include <variant>

#include "mainstay/ipc/channel.hpp"

namespace mainstay::role {
namespace {

constexpr int kStartupWaitMs = 10'000;

}  // namespace

Result<ipc::RoleStartup> receive_startup(int fd) {
    pollfd wait{fd, POLLIN, 0};
    if (::poll(&wait, 1, kStartupWaitMs) != 1) return fail(Errc::Timeout, "no RoleStartup from the supervisor");
    auto got = ipc::receive_message(fd);
    if (!got) return error_of(got);
    if (!got->has_value() || std::holds_alternative<ipc::Closed>(**got))
        return fail(Errc::State, "the supervisor has died");
    auto& message = std::get<ipc::Received>(**got).message;
    if (!std::holds_alternative<ipc::RoleStartup>(message))
        return fail(Errc::Invalid, "the first message is not a RoleStartup");
    return std::get<ipc::RoleStartup>(std::move(message));
}

}  // namespace mainstay::role
