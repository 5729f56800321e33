// All BFD sessions of one director: the machine that the bfd role drives.
//
// Pure: facts and the time in, intents out. It has no timer: give it DeadlineReached at deadline(); early and stale
// ones are ignored. Give it all received packets before DeadlineReached, so that a process that was paused does not
// declare its neighbours down.
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

    // Starts the sessions. With `previous`, the snapshot of a crashed incarnation, sessions with the same neighbour,
    // source and kind resume their state: an Up session stays Up, which is not reported again.
    [[nodiscard]] Intents start(Instant now, const SessionsSnapshot* previous = nullptr);

    [[nodiscard]] Intents step(const Fact& fact, Instant now);

    // Switches to a new configuration. A session whose neighbour, source and kind are unchanged keeps its state; a
    // renamed one is reported under its new name. Removed ones say Down to their neighbours.
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
