// One client's stream of events, as server-sent events (HTML standard, section 9.2): which events are next, and their
// text. The connection asks for the next piece whenever it has written the one before it.
#pragma once

#include <cstdint>
#include <string>

#include "role/observer/history.hpp"

namespace mainstay::role::http {

inline constexpr const char* kHeartbeat = ":\n\n";  // a comment

class EventFeed {
public:
    // Begins behind the event `after`; 0: with the oldest that is held. The history outlives the feed.
    EventFeed(const History& history, std::uint64_t after) : history_{history}, after_{after} {}

    // The events that are there and not yet given, at most kEventsOfPieceMax; empty: none. Where the event that the
    // client has last is no longer held, an event "lost" comes first: others may be missing.
    [[nodiscard]] std::string next();

private:
    const History& history_;
    std::uint64_t after_;
};

// True if events between `after` and the oldest that is held may have been forgotten.
[[nodiscard]] bool may_have_lost(const History& history, std::uint64_t after);

}  // namespace mainstay::role::http
