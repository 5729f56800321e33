// What the API says of itself in the state document.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mainstay::report {

struct ApiCounters {
    std::uint64_t requests = 0;             // that were answered, also by a refusal
    std::uint64_t requests_refused = 0;     // malformed, too large or too slow
    std::uint64_t connections_refused = 0;  // more than a listener takes
    std::uint64_t streams_refused = 0;      // of events: more than there may be
    std::uint64_t streams_dropped = 0;      // whose readers were too slow
    std::uint64_t logins_failed = 0;        // wrong credentials
    std::uint64_t logins_delayed = 0;       // not looked at, because too many of the same address were wrong before
    bool operator==(const ApiCounters&) const = default;
};

struct ApiListener {
    std::string at;  // "127.0.0.1:9112"
    bool open = false;
    bool tls = false;
    std::string problem;  // why it is not open, or what is wrong with a file that it uses; empty: nothing
    bool operator==(const ApiListener&) const = default;
};

struct ApiStatus {
    std::vector<ApiListener> listeners;  // of TCP; the control socket is not among them
    ApiCounters counters;
};

}  // namespace mainstay::report
