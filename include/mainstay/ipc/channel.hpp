// One end of the line between the supervisor and a role: whole messages, with at most one descriptor beside each.
#pragma once

#include <optional>
#include <utility>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "message.hpp"

namespace mainstay::ipc {

// Both ends close-on-exec and non-blocking.
[[nodiscard]] Result<std::pair<UniqueFd, UniqueFd>> make_channel();

// Errc::Limit: the other side does not read (its queue is full); the message was not sent.
[[nodiscard]] Result<void> send_message(int fd, const Message& message, int descriptor = -1);

struct Received {
    Message message;
    UniqueFd descriptor;
};
struct Closed {};  // the other side is gone
// Nothing: no message is waiting. An undecodable message is an error and is gone from the queue.
[[nodiscard]] Result<std::optional<std::variant<Received, Closed>>> receive_message(int fd);

}  // namespace mainstay::ipc
