// One role process as the supervisor sees it: its line, its shared memory, how often it died.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "authorization.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/role/common/identity.hpp"
#include "role/common/message_budget.hpp"

namespace mainstay::role {

// Silent for so many of the supervisor's one-second looks: killed and started anew. Looks are counted, not seconds:
// when the whole machine was paused, nobody is blamed for it.
inline constexpr int kMissedHeartbeatsMax = 10;
// A process that lived so long restarts at once; keepalived wants 60 s, in which a master would lose its addresses to
// the second crash of a minute.
inline constexpr std::chrono::seconds kStableAfter{10};
inline constexpr std::uint32_t kUnknownMessagesMax =
    16;  // of kinds that only another version knows; then it is an offender

class Child {
public:
    Child(boost::asio::io_context& loop, Kind role) : kind{role}, respawn{loop}, control_{loop} {}

    // An error is a message that cannot be decoded.
    using OnMessage = std::function<void(Result<ipc::Received>)>;
    // Starts the process, which gets its control line beside what `process` says, and sends its RoleStartup.
    // `on_message` is called for each message; the end of a role is learnt from its exit.
    [[nodiscard]] Result<void> start(kernel::RoleProcess process, const ipc::RoleStartup& startup, OnMessage on_message,
                                     Log& log);
    // The same for a process that runs already: one that a former program of this supervisor started.
    void adopt(int running, UniqueFd control, OnMessage on_message, Log& log);
    // Becomes what `spare` is; that one is nothing afterwards.
    void take_over(Child& spare, OnMessage on_message, Log& log);
    [[nodiscard]] int control() { return control_.is_open() ? control_.native_handle() : -1; }
    void send(const ipc::Message& message, int descriptor, Log& log);
    // Kills the process and closes its line: nothing that it sent is looked at any more.
    void kill_offender();
    void forget();  // after its exit
    [[nodiscard]] bool alive() const { return pid != 0; }
    // How long to wait before the next start, from how it lived: 0, then 0 1 2 4 ... 60 s. An offender never counts as
    // stable, however long it lived.
    [[nodiscard]] std::chrono::seconds next_delay(Instant now);

    Kind kind;
    int pid = 0;
    bool ready = false;       // runs a committed configuration
    bool prepared = false;    // of the reload that is under way
    bool ever_ready = false;  // some incarnation was
    std::uint64_t prepared_generation = 0;
    bool awaits_look = false;  // before its Commit: what it follows is to be known when it begins
    Awaited awaited;           // but `stopping` and `ready`, which it is judged with
    MessageBudget budget;
    bool kill_sent = false;  // it is leaving: nothing to watch
    bool offended = false;   // this incarnation did what it may not
    std::uint32_t offences = 0, unknown_messages = 0, lost_messages = 0, refused_lines = 0,
                  requests_ignored = 0;  // offences: of all incarnations
    int missed = 0;
    Instant born{};
    int short_lives = 0;
    boost::asio::steady_timer respawn;
    UniqueFd block, ring;                  // outlive the process; their sizes are sealed
    UniqueFd block_to_read, ring_to_read;  // the same memory, for those who watch

private:
    void begin_incarnation();
    void listen(OnMessage on_message, Log& log);
    boost::asio::posix::stream_descriptor control_;
};

}  // namespace mainstay::role
