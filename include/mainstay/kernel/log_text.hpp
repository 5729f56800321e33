// The forms of a log line: syslog's and journald's datagrams, keepalived's line on a terminal, a JSON object.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::kernel {

// What a line is about, apart from its text. Empty members are not written.
struct LogFields {
    std::string_view event;  // "MASTER", "DOWN"
    std::string_view instance, group, service, server;
    std::string_view reason;
    std::optional<std::uint32_t> priority;  // the effective one of an instance
    std::string_view cause{};               // a word: "timeout"
};

struct LogSource {
    std::string ident;
    int facility = 3;  // syslog's number
    int pid = 0;
};

// "<30>Nov 20 08:15:00 ident[42]: text", RFC 3164, in local time; control characters in the text become blanks. A text
// is cut after 4096 bytes in every form.
[[nodiscard]] std::string syslog_datagram(const LogSource& source, LogLevel level, std::time_t when,
                                          std::string_view text);
// journald's native protocol: one NAME=value for each line. MAINSTAY_INSTANCE and the like for the fields.
[[nodiscard]] std::string journal_datagram(const LogSource& source, LogLevel level, std::string_view text,
                                           const LogFields& fields);
// {"time":"2026-11-20T08:15:00.000042Z","level":"notice","program":"...","pid":42,"message":"...", fields}, a newline
// at the end. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_line(const LogSource& source, LogLevel level, WallTime when, std::string_view text,
                                    const LogFields& fields);

}  // namespace mainstay::kernel
