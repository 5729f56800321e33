// Who may send what to the supervisor. Every process that has a line to the supervisor is treated as if somebody had
// taken it over: what this table does not allow is an offence, and the offender is killed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

// Each kind of process at the other end of one of the supervisor's lines. The first five are the roles.
enum class Sender : std::uint8_t {
    Vrrp,
    Lvs,
    Observer,
    Bfd,
    Snmp,
    Spare,  // a process of a role that waits to take another one's place
    Reader,
    Watcher,
    DryRunReader,  // compares a configuration with what runs, for mainstayctl
    UpgradeTrial,  // the program of an upgrade, on trial
    Operator       // mainstayctl, over the supervisor's own socket
};
inline constexpr std::size_t kSenders = 11;

// May a process of this kind send a message of this kind at all? What the message says is not looked at.
[[nodiscard]] bool may_send(Sender sender, const ipc::Message& message);
[[nodiscard]] bool may_send(Kind role, const ipc::Message& message);  // never for Kind::Supervisor
[[nodiscard]] Sender sender_of(Kind role);                            // not of Kind::Supervisor

// What was wrong with what a process sent, as the log says it: "sent a message Snapshot, which it may not send". An
// error is a message that cannot be decoded. None: the message may be looked at.
[[nodiscard]] std::optional<std::string> offence_of(Sender sender, const Result<ipc::Received>& received);
inline constexpr const char* kFlooded = "exceeded its message rate";

// Whose scripts and FIFO lines a role may ask for.
[[nodiscard]] alert::Requester requester_of(Kind role);

// What the supervisor waits for from one role.
struct Awaited {
    bool stopping = false;      // the roles were told to release everything
    bool ready = false;         // runs a committed configuration
    std::uint32_t commits = 0;  // that it has not answered yet
    std::vector<int> dumps;     // signals, oldest first, for whose dumps it is to bring its state up to date
    bool handed_over = false;   // a former program started it, and nothing is known of what that one waits for
};
inline constexpr std::size_t kDumpsAwaitedMax = 16;  // of one role; older ones are not awaited any more

// Does a message that the sender may send make sense now, and what it says as well? Else it is an offence.
enum class Verdict : std::uint8_t { Take, Ignore, Offence };
[[nodiscard]] Verdict judge(Sender sender, const ipc::Message& message, const Awaited& awaited);

// For the log: "RunScript".
[[nodiscard]] const char* name_of(const ipc::Message& message);

}  // namespace mainstay::role
