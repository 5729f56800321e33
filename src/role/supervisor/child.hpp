// The supervisor's view of one role process: control socket, shared memory, heartbeats and restarts.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "authorization.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/role/common/identity.hpp"
#include "role/common/message_table.hpp"
#include "role/common/send_queue.hpp"

namespace mainstay::role {

// A role that sends no heartbeat during this many of the supervisor's one-second checks is killed and restarted. Checks
// are counted, not seconds, so that a pause of the whole machine kills no process.
inline constexpr int kMissedHeartbeatsMax = 10;
// Where it was silent before it was ready, as with thousands of services on a machine without time for them, its
// successors may be silent for twice as long each, up to 80 checks: killed at the same moment each time, none would
// ever be ready.
inline constexpr int kDoublingsMax = 3;
// A process that lived this long restarts at once. keepalived requires 60 s; with that, a master that crashes twice in
// a minute would lose its addresses.
inline constexpr std::chrono::seconds kStableAfter{10};
inline constexpr int kBulkBytes =
    65'536;  // as the kernel counts them, headers and all; a socket takes three times that
inline constexpr std::size_t kUnreadMessagesMax = 1'024;  // of one that does not read; it is killed 10 s later
inline constexpr int kLastMessagesMax = 4'096;            // read after its exit: more than a socket takes
inline constexpr std::uint32_t kUnknownMessagesMax = 16;  // of unknown kinds (another version's); more are an offence

class Child {
public:
    Child(boost::asio::io_context& loop, Kind role) : kind{role}, respawn{loop}, control_{loop} {}

    // An error is a message that cannot be decoded.
    using OnMessage = std::function<void(Result<ipc::Received>)>;
    // Starts the process with a control socket in addition to what `process` describes, and sends its RoleStartup.
    // `on_message` is called for each message. That a role has ended is known from its exit, not from the socket.
    [[nodiscard]] Result<void> start(kernel::RoleProcess process, const ipc::RoleStartup& startup, OnMessage on_message,
                                     Log& log);
    // The same for a running process, which the program before an upgrade started.
    void adopt(int running, UniqueFd control, OnMessage on_message, Log& log);
    // Takes over the process of `spare`, which is empty afterwards.
    void take_over(Child& spare, OnMessage on_message, Log& log);
    [[nodiscard]] int control() { return control_.is_open() ? control_.native_handle() : -1; }
    void send(const ipc::Message& message, int descriptor, Log& log);
    // Whether less than kBulkBytes are queued for the process: then it may be sent one of many messages, and there is
    // room for others beside them.
    [[nodiscard]] bool has_room();
    // Kills the process and closes its control socket, so that nothing it sent is processed any more.
    void kill_offender();
    // After its exit: what it has sent before and was not read yet, on_message is called for it; then forget().
    void hear_the_rest(Log& log);
    void forget();
    [[nodiscard]] bool alive() const { return pid != 0; }
    // Not one that was killed: while it waits for a disk it does not end, and nobody waits for it.
    [[nodiscard]] bool serves() const { return alive() && !kill_sent; }
    // The delay before the next start: 0 after a stable run (kStableAfter), else 0 1 2 4 ... 60 s. A process that was
    // killed for an offence never counts as stable.
    [[nodiscard]] std::chrono::seconds next_delay(Instant now);
    // One of the supervisor's checks. Returns how many there were since the last message if these are too many.
    [[nodiscard]] std::optional<int> count_silence();

    Kind kind;
    int pid = 0;
    bool ready = false;       // runs a committed configuration
    bool prepared = false;    // is ready for the reload in progress
    bool ever_ready = false;  // an earlier incarnation was ready
    std::uint64_t ends = 0;   // of processes that should have stayed
    WallTime last_end;        // of those
    std::uint64_t prepared_generation = 0;
    bool awaits_look = false;  // its Commit waits for the first observations of the files and processes that it tracks
    Awaited awaited;           // except `stopping` and `ready`, which are filled in before each use
    MessageBudget budget;
    bool has_left_things = false;  // it ended in the stop before it had released all
    bool kill_sent = false;        // it is ending; heartbeats are not checked
    bool retires = false;          // it ends for its successor and releases nothing
    bool offended = false;         // this incarnation was killed for an offence
    std::uint32_t offences = 0, unknown_messages = 0, lost_messages = 0, refused_lines = 0,
                  requests_ignored = 0;  // offences: summed over all incarnations
    int missed = 0;
    int silent_starts = 0;  // processes in a row that were silent for too long before they were ready, <= kDoublingsMax
    Instant born{};
    int short_lives = 0;
    boost::asio::steady_timer respawn;
    // Of a role that holds addresses: the configuration that it has committed last, also that of an incarnation that is
    // gone, which may have left on this host what no later one names.
    UniqueFd ran;
    std::uint64_t ran_number = 0;
    bool catches_up = false;  // this incarnation runs `ran` first, and then the running configuration
    UniqueFd block, ring;     // memfds that outlive the process; their sizes are sealed
    UniqueFd mark;            // how far the observer has read the ring, which writes it
    UniqueFd block_to_read, ring_to_read, mark_to_read;  // the same memory, read-only
    UniqueFd record;                                     // the flight recorder's memory, once its size is known

private:
    void begin_incarnation();
    void listen(Log& log);
    [[nodiscard]] bool hear(int most, Log& log);  // false: nothing more will come
    void close();                                 // the control socket
    boost::asio::posix::stream_descriptor control_;
    SendQueue unread_{control_, kUnreadMessagesMax};
    OnMessage on_message_;
    bool has_ended_ = false;  // its number may be another process's
    Lifetime lifetime_;
};

using ChildList = std::array<std::unique_ptr<Child>, kRoles>;  // by slot(Kind)

}  // namespace mainstay::role
