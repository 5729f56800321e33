// How a role logs: where its lines go, and the line for an event.
#pragma once

#include "mainstay/base/event.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/log_sink.hpp"

namespace mainstay::role {

[[nodiscard]] kernel::LogOptions log_options_of(const ipc::RoleStartup& startup);

// Lines about servers in a second of the log's texts; thousands may go down at once. Sinks that keep fields get all.
inline constexpr std::uint32_t kServerLinesPerSecondMax = 50;

// keepalived's own line for a change comes before. This one says why, and carries the event's fields to sinks that keep
// them. Changes of the priority alone are not logged: their lines say all.
class EventLog {
public:
    explicit EventLog(kernel::DaemonLog& log) : log_{log} {}
    void write(const Event& event);
    // Once a second, with the wall clock's time: logs how many lines of an earlier second were left out.
    void tick(WallTime now) { begin_second(now); }

private:
    void begin_second(WallTime now);
    [[nodiscard]] bool may_say(const Event& event);

    kernel::DaemonLog& log_;
    std::int64_t second_ = 0;
    std::uint32_t logged_ = 0, left_out_ = 0;
};

}  // namespace mainstay::role
