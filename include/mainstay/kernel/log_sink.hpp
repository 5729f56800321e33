// Writes log lines to syslog's socket and, if configured, to stderr. Each line is one non-blocking datagram: if syslog
// does not read, lines are lost, and the number of losses is logged when it reads again.
#pragma once

#include <ctime>
#include <functional>
#include <memory>
#include <string>

#include "mainstay/base/log.hpp"

namespace mainstay::kernel {

struct LogOptions {
    std::string ident = "mainstayd";
    std::string socket = "/dev/log";  // empty: no syslog
    int facility = 3;                 // syslog's number: 3 daemon, 16..23 local0..7
    bool console = false;             // also stderr, with keepalived's timestamp format
    LogLevel level = LogLevel::Info;  // the least severe level that is written
};

class DaemonLog final : public Log {
public:
    explicit DaemonLog(const LogOptions& options);
    ~DaemonLog() override;

    void line(LogLevel level, std::string_view text) override;
    [[nodiscard]] bool enabled(LogLevel level) const override;
    using Log::line;
    void set_ident(const std::string& ident);  // of the lines from here on
    // From here on console lines are buffered and written together by flush(), or when the buffer is full; `later` is
    // called at the first of them. For a process that logs thousands of services, one write per line would be too slow.
    void gather(std::function<void()> later);
    void flush();
    [[nodiscard]] std::uint64_t lost() const;  // lines that could not be delivered to syslog

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// "<30>Nov 20 08:15:00 ident[42]: text", RFC 3164; control characters in the text become blanks.
[[nodiscard]] std::string syslog_datagram(int facility, LogLevel level, std::time_t when, std::string_view ident,
                                          int pid, std::string_view text);

}  // namespace mainstay::kernel
