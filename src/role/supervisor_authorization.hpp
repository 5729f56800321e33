// Who may send what to the supervisor. Every process that has a line to the supervisor is treated as if somebody had
// taken it over: what this table does not allow is an offence, and the offender is killed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mainstay/ipc/message.hpp"
#include "mainstay/role/identity.hpp"

namespace mainstay::role {

// Each kind of process at the other end of one of the supervisor's lines. The first five are the roles.
enum class Sender : std::uint8_t {
    Vrrp, Lvs, Observer, Bfd, Snmp,
    Spare,         // a process of a role that waits to take another one's place
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

// For the log: "RunScript".
[[nodiscard]] const char* name_of(const ipc::Message& message);

}  // namespace mainstay::role
