// What the checks without TCP share: a connected datagram socket that reports ICMP errors, and waiting on it.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <span>

#include "connect.hpp"

namespace mainstay::probe {

// Opens a configured, connected, non-blocking socket in state.datagrams, whose calls return ICMP errors. An error from
// opening or configuring it is a problem of this host; what one from connecting says is in connect.hpp.
struct Opened {
    Result<void> result{};
    lvs::Outcome outcome = lvs::Outcome::NotRun;  // of an error
    bool connecting = false;                      // where the error is from
};
[[nodiscard]] Opened open_datagram(Attempt::State& state, const Connection& check, int type, int protocol);

struct Sent {
    int sys_errno = 0;  // 0: sent
    // Of an error.
    [[nodiscard]] lvs::Outcome outcome() const;
    [[nodiscard]] std::string reason() const;
};
[[nodiscard]] Sent send_datagram(Attempt::State& state, std::span<const std::byte> bytes);

struct Heard {
    boost::system::error_code error;  // also when the try expired or was cancelled meanwhile
    std::size_t size = 0;             // of the datagram, which may be more than `into` held
};
// The next datagram, as much of it as `into` holds.
[[nodiscard]] boost::asio::awaitable<Heard> hear(std::shared_ptr<Attempt::State> state, std::span<std::byte> into);

}  // namespace mainstay::probe
