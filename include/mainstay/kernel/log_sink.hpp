// Where log lines go: syslog's socket and, if asked for, stderr. One non-blocking datagram per line: a reader that
// does not read costs lines, never time, and the losses are counted and told once it reads again.
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
    bool console = false;             // stderr, with keepalived's time stamp form
    LogLevel level = LogLevel::Info;  // the least severe that is written
};

class DaemonLog final : public Log {
public:
    explicit DaemonLog(const LogOptions& options);
    ~DaemonLog() override;

    void line(LogLevel level, std::string_view text) override;
    [[nodiscard]] bool enabled(LogLevel level) const override;
    using Log::line;
    void set_ident(const std::string& ident);  // of the lines from here on
    // From here on console lines are gathered and written together by flush(), or when a good many have come; `later`
    // is called at the first of them. A process that tells of thousands of services must not write each line alone.
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
