// Events as operators see them: on the page, in the stream, in `mainstayctl events` and in the history. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "mainstay/base/event.hpp"

namespace mainstay::report {

struct HistoryEntry {
    std::uint64_t id = 0;  // ascends over all roles and over restarts; below 2^53, which JavaScript's numbers hold
    std::string source;    // the role that published it: "vrrp", "lvs"
    Event event;
};

// One line of JSON without a newline. The keys are a stable interface.
[[nodiscard]] std::string event_json(const HistoryEntry& entry);
// "instance", "group", "server", "service"
[[nodiscard]] const char* to_string(Event::Kind kind);

}  // namespace mainstay::report
