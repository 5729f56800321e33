// The log of a process: spdlog's logger over sinks of ours, because its own ones for syslog and journald wait for their
// reader, and its messages have no fields.
//
// Writes log lines to the sockets of syslog or journald, and to the terminal or a container's log if configured. Each
// line for a socket is one non-blocking datagram. Lines that are not read wait in memory, 4 MB at most for each place;
// further ones are lost, as are all while nobody has the socket, and the number of losses is logged when somebody reads
// again. Only a regular file is written as fast, or as slowly, as its disk takes it.
#pragma once

#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::kernel {

// The forms of a log line: syslog's and journald's datagrams, keepalived's line on a terminal, a JSON object.

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

struct LogOptions {
    std::string ident = "mainstayd";
    std::string socket = "/dev/log";  // empty: neither syslog nor journald
    int facility = 3;                 // syslog's number: 3 daemon, 16..23 local0..7
    bool console = false;             // also stderr, with keepalived's timestamp format
    LogLevel level = LogLevel::Info;  // the least severe level that is written
    bool journal = false;             // `socket` is journald's, which takes fields
    bool json = false;                // also stdout, a JSON object per line
};

class DaemonLog final : public Log {
public:
    explicit DaemonLog(const LogOptions& options);
    ~DaemonLog() override;

    void line(LogLevel level, std::string_view text) override;
    [[nodiscard]] bool enabled(LogLevel level) const override;
    using Log::line;
    // A line about an event. Where fields cannot be kept (syslog, console) only its text is written.
    void line(LogLevel level, std::string_view text, const LogFields& fields);
    // The same for a line whose text others have written already: only to where fields are kept.
    void fields_only(LogLevel level, std::string_view text, const LogFields& fields);

    void set_ident(const std::string& ident);  // of the lines from here on
    void set_level(LogLevel level);            // the least severe level that is written from here on
    // From here on lines for stderr and stdout are buffered and written together by flush(), or when the buffer is
    // full; `later` is called at the first of them. For a process that logs thousands of services, one write per line
    // would be too slow.
    void gather(const std::function<void()>& later);
    // `again` is called when lines wait for their reader. It is to call flush() some time later,
    // and is called again if lines still wait then. Without it they wait for the next line.
    void retry(const std::function<void()>& again);
    void flush();
    // Lines that could not be delivered: to the socket, and to stderr and stdout.
    [[nodiscard]] std::uint64_t lost() const;
    // The same, but for those for a socket that nobody has had so far, as in a container.
    [[nodiscard]] std::uint64_t lost_by_reader() const;

private:
    friend class ModuleLog;
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

class LineLogger;  // spdlog's logger, in log_sink.cpp

// The lines of one module, with a level of its own, to the process's log, which outlives it.
class ModuleLog final : public Log {
public:
    ModuleLog(DaemonLog& to, LogLevel level);
    void line(LogLevel level, std::string_view text) override;
    [[nodiscard]] bool enabled(LogLevel level) const override;
    using Log::line;
    void set_level(LogLevel level);

private:
    std::shared_ptr<LineLogger> logger_;
};

}  // namespace mainstay::kernel
