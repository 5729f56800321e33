// One row for each kind of message: who may send it to the supervisor, what it counts against, and whether a descriptor
// comes with it. The supervisor trusts no other process, because any of them may be compromised.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

// The kinds of processes that have a control socket to the supervisor. The first five are the roles.
enum class Sender : std::uint8_t {
    Vrrp,
    Lvs,
    Observer,
    Bfd,
    Snmp,
    Spare,  // a standby process of a role, which replaces the running one when that dies
    Reader,
    Watcher,
    DryRunReader,  // compares a configuration with the running one, for mainstayctl
    UpgradeTrial,  // the new program of an upgrade, which checks whether it can continue
    Operator       // mainstayctl, over the supervisor's own socket
};
inline constexpr std::size_t kSenders = 11;

struct MessageRow {
    enum class Counts : std::uint8_t {
        Control,  // of the few that a process sends by itself
        Work,     // scripts, FIFO lines and observations: tens of thousands of servers may change within one second
        Request   // of clients of D-Bus, SNMP, the API, and of signals: excess ones are ignored and are no offence
    };

    const char* name = nullptr;  // for the log: "RunScript"
    std::uint16_t senders = 0;   // one bit for each Sender; none: the supervisor sends it, or roles each other
    Counts counts = Counts::Control;
    bool asks = false;        // it has an answer, which counts against the question
    bool answers = false;     // of such a question
    bool descriptor = false;  // may come with one

    [[nodiscard]] constexpr bool is_sent_by(Sender sender) const {
        return (senders >> static_cast<unsigned>(sender) & 1U) != 0;
    }
};

[[nodiscard]] const MessageRow& row_of(const ipc::Message& message);

}  // namespace mainstay::role
