// What the daemon's processes do with signals.
//
// keepalived 2.2.7's parent and children ignore every signal that they have no use for, ABRT, TRAP, SYS and STKFLT
// among them (SigIgn in /proc/PID/status); ILL, BUS, FPE and SEGV end them, whoever sends them. TERM or INT makes its
// VRRP child resign and end, and the parent starts another one 0, 1, 2 ... s later. Here neither a fault's signal that
// somebody sends nor a TERM ends a role: of its processes only the supervisor can be asked to stop.
#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <span>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

// The signals by which keepalived's children are asked for something, under the names of --signum: RELOAD, DATA, STATS,
// JSON, STATS_CLEAR. TERM, INT and CHLD are not among them.
[[nodiscard]] std::array<int, 5> asking_signals();

// Ignores each signal that has no handler, except `but`, CHLD, and KILL and STOP, which nobody can ignore. ILL, TRAP,
// ABRT, BUS, FPE, SEGV and SYS are ignored when another process sends them; a real fault ends the process all the same,
// because the kernel, abort() and seccomp do not ask. A broken pipe, or a file at its limit, is an error of write().
void ignore_unused_signals(std::initializer_list<int> but = {});

// For a child between fork and exec, made of system calls only; what is executed inherits both. Nothing is blocked
// afterwards. A program of the daemon is born deaf: a signal to all of the unit may come before it has said a word. A
// script gets the defaults.
enum class BornWith : std::uint8_t { Defaults, Deaf };
void set_signals(BornWith what);

// Blocks these signals, and no others, in this thread and those that it starts, and queues them in the descriptor,
// which does not block. They interrupt no call, and those that were not taken are there after an exec.
[[nodiscard]] Result<UniqueFd> queue_signals(std::span<const int> signals);
[[nodiscard]] std::optional<int> next_signal(int queue);

}  // namespace mainstay::kernel
