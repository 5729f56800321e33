// The chain of reasons for the state of one object: an instance, a group, a service, a server, an announced address, or
// something that instances track. In plain sentences, from the state document and the history of events. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/report/document.hpp"
#include "mainstay/report/events.hpp"

namespace mainstay::report {

struct WhySource {
    const DaemonStatus& status;
    std::span<const HistoryEntry> events;  // oldest first
    int utc_offset_s = 0;                  // of the host: moments are shown in its local time
};

struct Explanation {
    std::string name;   // in full: "[10.0.0.11]:tcp:80"
    std::string kind;   // "instance", "group", "service", "server", "script", "bfd", "file", "process", "interface",
                        // "address" (one that is to be announced)
    std::string state;  // "MASTER", "DOWN", "DRAINED" ...
    WallTime since;     // 0: unknown
    std::vector<std::string> reasons;  // sentences; the first one says the state itself, then the newest cause first
};

struct WhyAnswer {
    std::optional<Explanation> found;
    std::string problem;  // for people, if nothing was found: no object, or several
    std::string nearest;  // a name like the given one; may be empty
};

// `name` is the name of an object in the configuration; a service or a server may be named in any of the forms that
// lvs::ServerPattern has, with SERVICES/SERVERS for a server that several services have.
[[nodiscard]] WhyAnswer why(const WhySource& source, std::string_view name);
// {"name","kind","state","since","since_unix_us","reasons":[...]}, or {"error","nearest"}.
[[nodiscard]] std::string why_json(const WhyAnswer& answer);

}  // namespace mainstay::report
