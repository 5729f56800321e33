// Whether a process may send a message to the supervisor: by the table (role/common/message_table.hpp), and by what the
// supervisor waits for. What is not allowed is an offence, and the supervisor kills the sender.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/role/common/identity.hpp"
#include "role/common/message_table.hpp"

namespace mainstay::role {

// Whether a process of this kind may send messages of this kind at all. The contents of the message do not matter.
[[nodiscard]] bool may_send(Sender sender, const ipc::Message& message);

// The offence for the log, "sent a message Snapshot, which it may not send"; none if the message is allowed, and a
// descriptor with it. An error in `received` is a message that could not be decoded.
[[nodiscard]] std::optional<std::string> offence_of(Sender sender, const Result<ipc::Received>& received);
inline constexpr const char* kFlooded = "exceeded its message rate";

// What the supervisor waits for from one role.
struct Awaited {
    bool stopping = false;      // the roles were requested to release everything
    bool ready = false;         // runs a committed configuration
    std::uint32_t commits = 0;  // that it has not answered yet
    std::vector<int> dumps;     // signals, oldest first, for whose dumps it is to bring its state up to date
    bool handed_over = false;   // a former program started it, and nothing is known of what that one waits for
};
inline constexpr std::size_t kDumpsAwaitedMax = 16;  // of one role; older ones are not awaited any more

// Whether an allowed message also fits the sender's current state, and whether its contents are valid.
enum class Verdict : std::uint8_t { Take, Ignore, Offence };
[[nodiscard]] Verdict judge(Sender sender, const ipc::Message& message, const Awaited& awaited);

}  // namespace mainstay::role
