// One end of a SEQPACKET socket pair between two processes: whole messages, each with at most one descriptor.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "message.hpp"

namespace mainstay::ipc {

// Both ends close-on-exec and non-blocking.
[[nodiscard]] Result<std::pair<UniqueFd, UniqueFd>> make_channel();

// Errc::Limit: the other side does not read (its queue is full); the message was not sent.
[[nodiscard]] Result<void> send_message(int fd, const Message& message, int descriptor = -1);
// Of encode_message(), at most kMessageBytesMax.
[[nodiscard]] Result<void> send_encoded(int fd, std::span<const std::byte> bytes, int descriptor);

struct Received {
    Message message;
    UniqueFd descriptor;
};
struct Closed {};  // the peer has closed its end
// None: no message is pending. An undecodable message is an error and is removed from the queue.
[[nodiscard]] Result<std::optional<std::variant<Received, Closed>>> receive_message(int fd);
// The peer has closed its end; what it sent before may still be pending.
[[nodiscard]] bool is_closed(int fd);

}  // namespace mainstay::ipc
