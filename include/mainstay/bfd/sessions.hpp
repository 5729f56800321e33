// All BFD sessions of one director: the machine that the bfd role drives.
//
// Pure: facts and the time in, intents out. It never owns a timer: deadline() is the next moment at which it wants a
// DeadlineReached; early and stale ones are ignored. Whoever drives it gives all packets that have arrived before a
// deadline, so that a process that was paused does not take its neighbours for dead.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "facts.hpp"

namespace mainstay::bfd {

class Sessions {
public:
    Sessions(std::vector<Settings> settings, Random random);
    Sessions(Sessions&&) noexcept;
    Sessions& operator=(Sessions&&) noexcept;
    ~Sessions();

    // Begin. With `previous`, the snapshot of a crashed incarnation, sessions of the same neighbour, source and kind
    // go on where they were, and their neighbours need not notice: an Up session stays Up and nobody is told.
    [[nodiscard]] Intents start(Instant now, const SessionsSnapshot* previous = nullptr);

    [[nodiscard]] Intents step(const Fact& fact, Instant now);

    // Swap in a new configuration. A session whose neighbour, source and kind are unchanged keeps its state; one that
    // has another name is told of under the new one. Removed ones tell their neighbours AdminDown.
    [[nodiscard]] Intents reload(std::vector<Settings> settings, Instant now);

    [[nodiscard]] std::optional<Instant> deadline() const;
    [[nodiscard]] SessionsSnapshot snapshot() const;
    // True when the Shutdown fact has been taken.
    [[nodiscard]] bool finished() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::bfd
