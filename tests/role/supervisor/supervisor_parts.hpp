// For tests of the supervisor's parts: a log that is kept, and a role that a test plays over a real line.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "../../kept_log.hpp"
#include "../../sleeper.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/clock.hpp"
#include "role/supervisor/child.hpp"
#include "role/supervisor/role_replacement.hpp"

namespace mainstay::role::test {

using mainstay::test::KeptLog;
using mainstay::test::sleeper;

// A process id that no process has: above what the kernel gives (PID_MAX_LIMIT).
inline constexpr int kNobody = 4'194'305;

// The message that waits on this end of a line; none: nothing does.
template <class M>
std::optional<M> next_message(int fd) {
    auto got = ipc::receive_message(fd);
    if (!got || !got->has_value() || !std::holds_alternative<ipc::Received>(**got)) return std::nullopt;
    const auto* message = std::get_if<M>(&std::get<ipc::Received>(**got).message);
    return message == nullptr ? std::nullopt : std::optional{*message};
}

// All roles as the supervisor has them; run(kind) lets one of them run, with the test at the other end of its line.
struct Roles {
    Roles() {
        for (const Kind kind : kRoleKinds) children[slot(kind)] = std::make_unique<Child>(loop, kind);
    }
    Child& run(Kind kind) {
        auto channel = ipc::make_channel();
        REQUIRE(channel.has_value());
        Child& child = *children[slot(kind)];
        child.adopt(kNobody, std::move(channel->first), [](const Result<ipc::Received>&) {}, log);
        lines[slot(kind)] = std::move(channel->second);
        return child;
    }
    template <class M>
    std::optional<M> heard(Kind kind) {
        return next_message<M>(lines[slot(kind)].get());
    }
    void until(const std::function<bool()>& condition) {
        const auto limit = kernel::monotonic_now() + std::chrono::seconds{20};
        while (!condition()) {
            REQUIRE(kernel::monotonic_now() < limit);
            loop.restart();
            loop.run_for(std::chrono::milliseconds{5});
        }
    }

    KeptLog log;
    boost::asio::io_context loop;
    std::array<std::unique_ptr<Child>, kRoles> children;
    std::array<UniqueFd, kRoles> lines;
};

}  // namespace mainstay::role::test
