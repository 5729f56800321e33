#include "mainstay/kernel/log_sink.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/sink.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <deque>
#include <utility>

#include "log_stream.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::kernel {

namespace {

constexpr std::size_t kConsoleLineBytesMax = 4096;
constexpr std::chrono::seconds kReconnectEvery{1};  // never one connect per line

// spdlog has five levels below `critical`, in the same order as ours.
constexpr spdlog::level::level_enum spdlog_level(LogLevel level) {
    return static_cast<spdlog::level::level_enum>(static_cast<int>(LogLevel::Debug) - static_cast<int>(level));
}
static_assert(spdlog_level(LogLevel::Error) == spdlog::level::err &&
              spdlog_level(LogLevel::Debug) == spdlog::level::trace);

// A message with what spdlog's has no room for.
struct LogRecord : spdlog::details::log_msg {
    LogRecord(const LogSource& from, LogLevel of, std::string_view text, const LogFields& beside, bool fields_only)
        : log_msg{spdlog::log_clock::time_point{std::chrono::microseconds{wall_now().unix_us}},
                  {},
                  from.ident,
                  spdlog_level(of),
                  {text.data(), text.size()}},
          severity{of},
          fields{beside},
          only_with_fields{fields_only} {}
    [[nodiscard]] std::string_view text() const { return {payload.data(), payload.size()}; }
    [[nodiscard]] std::int64_t unix_us() const {
        return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    }

    LogLevel severity;
    const LogFields& fields;
    bool only_with_fields;  // only where they are kept: others have written the text
};

// As keepalived -l writes it: "Fri Nov 20 08:15:00 2026: text".
class ConsoleStamp {
public:
    [[nodiscard]] const std::string& of(std::time_t now) {
        if (now == stamped_) return text_;
        std::tm parts{};
        static_cast<void>(::localtime_r(&now, &parts));
        std::array<char, 40> text{};
        text_.assign(text.data(), std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y: ", &parts));
        stamped_ = now;
        return text_;
    }

private:
    std::string text_;
    std::time_t stamped_ = -1;
};

// Only LineLogger logs to these, so each message is a LogRecord. They belong to one thread, and each has one form.
class LineSink : public spdlog::sinks::sink {
public:
    explicit LineSink(const LogSource& source) : source_{source} {}
    void log(const spdlog::details::log_msg& message) final { write(static_cast<const LogRecord&>(message)); }
    void flush() final {}
    void set_pattern(const std::string& /*pattern*/) final {}
    void set_formatter(std::unique_ptr<spdlog::formatter> /*formatter*/) final {}

    // See DaemonLog.
    [[nodiscard]] virtual std::uint64_t lost() const = 0;
    [[nodiscard]] virtual bool had_reader() const { return true; }
    virtual void gather(const std::function<void()>& /*later*/) {}
    virtual void retry(const std::function<void()>& again) = 0;
    // Writes what waits, and what is to be said of a loss behind it.
    virtual void catch_up() = 0;
    // In a fork the lines that wait are the parent's.
    virtual void forget() = 0;

protected:
    [[nodiscard]] const LogSource& source() const { return source_; }

private:
    virtual void write(const LogRecord& record) = 0;

    const LogSource& source_;
};

// The socket of syslog or journald. Their own libraries block when the reader does not read. Here lines wait in memory
// while its queue is full (a hundred lines fill it), up to a bound; without a reader they are lost, because there may
// never be one (a container).
class SocketSink final : public LineSink {
public:
    SocketSink(const LogSource& source, std::string path, bool journal)
        : LineSink{source}, path_{std::move(path)}, journal_{journal} {}
    // Nobody can write later.
    ~SocketSink() override {
        again_ = nullptr;
        const auto end = std::chrono::steady_clock::now() + kLastWait;
        while (!send_waiting() && socket_)
            if (!wait_for(socket_.get(), POLLOUT, end)) return;
    }
    SocketSink(const SocketSink&) = delete;
    SocketSink& operator=(const SocketSink&) = delete;

    [[nodiscard]] std::uint64_t lost() const override { return lost_; }
    [[nodiscard]] bool had_reader() const override { return had_reader_; }
    void retry(const std::function<void()>& again) override { again_ = again; }
    void catch_up() override {
        again_due_ = false;
        if (!send_waiting() || lost_ == reported_ || !connected()) return;
        const std::uint64_t missing = lost_ - reported_;
        const std::string report = std::to_string(missing) + " log lines were lost: the log socket was not read";
        if (send(datagram_of({source(), LogLevel::Warning, report, {}, false}))) reported_ += missing;
    }
    void forget() override {
        waiting_.clear();
        waiting_bytes_ = 0;
    }

private:
    void write(const LogRecord& record) override {
        if (record.only_with_fields && !journal_) return;
        catch_up();
        auto datagram = datagram_of(record);
        if (waiting_.empty() && connected() && send(datagram)) return;
        if (!waiting_.empty() || is_full_)
            wait(std::move(datagram));
        else
            ++lost_;
    }
    bool connected() {
        if (socket_) return true;
        const Instant now = monotonic_now();
        if (tried_ != Instant{} && now - tried_ < kReconnectEvery) return false;
        tried_ = now;
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path_.size() >= sizeof address.sun_path) return false;
        std::ranges::copy(path_, address.sun_path);
        UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
        socket_ = std::move(fd);
        had_reader_ = true;
        return true;
    }
    [[nodiscard]] std::string datagram_of(const LogRecord& record) const {
        return journal_ ? journal_datagram(source(), record.severity, record.text(), record.fields)
                        : syslog_datagram(source(), record.severity, spdlog::log_clock::to_time_t(record.time),
                                          record.text());
    }
    bool send(std::string_view datagram) {
        is_full_ = false;
        if (::send(socket_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
        // A full queue is no reason to reconnect, unlike a restarted syslogd.
        // A helper has closed all descriptors that it inherited: the number may be that of its file meanwhile.
        if (errno == EBADF || errno == ENOTSOCK) {
            static_cast<void>(socket_.release());
            tried_ = {};
            return connected() && send(datagram);
        }
        is_full_ = errno == EAGAIN || errno == ENOBUFS;
        if (!is_full_) socket_.reset();
        return false;
    }
    // Whether nothing waits any more.
    bool send_waiting() {
        while (!waiting_.empty()) {
            if (!connected() || !send(waiting_.front())) {
                if (again_ && !std::exchange(again_due_, true)) again_();
                return false;
            }
            waiting_bytes_ -= waiting_.front().size();
            waiting_.pop_front();
        }
        return true;
    }
    void wait(std::string datagram) {
        if (waiting_bytes_ + datagram.size() > kBacklogBytesMax) {
            ++lost_;
            return;
        }
        waiting_bytes_ += datagram.size();
        waiting_.push_back(std::move(datagram));
        if (again_ && !std::exchange(again_due_, true)) again_();
    }

    std::string path_;
    bool journal_;
    UniqueFd socket_;
    Instant tried_{};
    std::deque<std::string> waiting_;
    std::size_t waiting_bytes_ = 0;
    bool had_reader_ = false;
    bool is_full_ = false;  // the last line was not sent because the reader is slow
    std::function<void()> again_;
    bool again_due_ = false;
    std::uint64_t lost_ = 0, reported_ = 0;
};

// stderr or stdout.
class StreamSink : public LineSink {
public:
    StreamSink(const LogSource& source, int descriptor, std::string name)
        : LineSink{source}, stream_{descriptor, std::move(name)} {}
    [[nodiscard]] std::uint64_t lost() const override { return stream_.lost(); }
    void gather(const std::function<void()>& later) override { stream_.gather(later); }
    void retry(const std::function<void()>& again) override { stream_.retry(again); }
    void catch_up() override {
        stream_.flush();
        report_loss();
    }
    void forget() override { stream_.forget(); }

private:
    // With its newline.
    [[nodiscard]] virtual std::string line_of(const LogRecord& record) = 0;
    void write(const LogRecord& record) override {
        report_loss();
        if (const std::string line = line_of(record); !line.empty()) stream_.write(line);
    }
    void report_loss() {
        if (const std::string loss = stream_.unreported(); !loss.empty())
            stream_.write_loss(line_of({source(), LogLevel::Warning, loss, {}, false}));
    }

    LogStream stream_;
};

class ConsoleSink final : public StreamSink {
public:
    explicit ConsoleSink(const LogSource& source) : StreamSink{source, STDERR_FILENO, "stderr"} {}

private:
    [[nodiscard]] std::string line_of(const LogRecord& record) override {
        if (record.only_with_fields) return {};
        std::string line = stamp_.of(spdlog::log_clock::to_time_t(record.time));
        line.append(record.text().substr(0, kConsoleLineBytesMax)).append("\n");
        return line;
    }

    ConsoleStamp stamp_;
};

class JsonSink final : public StreamSink {
public:
    explicit JsonSink(const LogSource& source) : StreamSink{source, STDOUT_FILENO, "stdout"} {}

private:
    [[nodiscard]] std::string line_of(const LogRecord& record) override {
        return json_line(source(), record.severity, WallTime{record.unix_us()}, record.text(), record.fields);
    }
};

// What the loggers of a process have in common.
struct Destination {
    LogSource source;
    std::vector<std::shared_ptr<LineSink>> sinks;
    std::uint64_t failed = 0;  // lines that a sink could not make, for want of memory

    // A process may have forked since the last line.
    void know_own_pid() {
        const int pid = ::getpid();
        if (source.pid != 0 && source.pid != pid)
            for (const auto& sink : sinks) sink->forget();
        source.pid = pid;
    }
};

}  // namespace

class LineLogger final : public spdlog::logger {
public:
    LineLogger(std::shared_ptr<Destination> to, LogLevel level)
        : logger{{}, to->sinks.begin(), to->sinks.end()}, to_{std::move(to)} {
        set(level);
        set_error_handler([failed = &to_->failed](const std::string& /*what*/) { ++*failed; });
    }
    void set(LogLevel level) { set_level(spdlog_level(level)); }
    [[nodiscard]] bool enabled(LogLevel level) const { return should_log(spdlog_level(level)); }
    void write(LogLevel level, std::string_view text, const LogFields& fields, bool only_with_fields) {
        if (!enabled(level)) return;
        to_->know_own_pid();
        sink_it_(LogRecord{to_->source, level, text, fields, only_with_fields});
    }
    [[nodiscard]] Destination& to() { return *to_; }
    [[nodiscard]] std::shared_ptr<LineLogger> with(LogLevel level) const {
        return std::make_shared<LineLogger>(to_, level);
    }

private:
    std::shared_ptr<Destination> to_;
};

namespace {

std::shared_ptr<Destination> destination(const LogOptions& options) {
    auto to = std::make_shared<Destination>();
    to->source = {.ident = options.ident, .facility = options.facility, .pid = 0};
    if (!options.socket.empty())
        to->sinks.push_back(std::make_shared<SocketSink>(to->source, options.socket, options.journal));
    if (options.console) to->sinks.push_back(std::make_shared<ConsoleSink>(to->source));
    if (options.json) to->sinks.push_back(std::make_shared<JsonSink>(to->source));
    return to;
}

}  // namespace

struct DaemonLog::Impl {
    explicit Impl(const LogOptions& options)
        : logger{std::make_shared<LineLogger>(destination(options), options.level)}, to{logger->to()} {}

    std::shared_ptr<LineLogger> logger;
    Destination& to;
};

DaemonLog::DaemonLog(const LogOptions& options) : impl_{std::make_unique<Impl>(options)} {}

DaemonLog::~DaemonLog() = default;

void DaemonLog::line(LogLevel level, std::string_view text) { line(level, text, {}); }

void DaemonLog::line(LogLevel level, std::string_view text, const LogFields& fields) {
    impl_->logger->write(level, text, fields, false);
}

void DaemonLog::fields_only(LogLevel level, std::string_view text, const LogFields& fields) {
    impl_->logger->write(level, text, fields, true);
}

void DaemonLog::set_level(LogLevel level) { impl_->logger->set(level); }

bool DaemonLog::enabled(LogLevel level) const { return impl_->logger->enabled(level); }

void DaemonLog::set_ident(const std::string& ident) { impl_->to.source.ident = ident; }

void DaemonLog::gather(const std::function<void()>& later) {
    for (const auto& sink : impl_->to.sinks) sink->gather(later);
}

void DaemonLog::retry(const std::function<void()>& again) {
    for (const auto& sink : impl_->to.sinks) sink->retry(again);
}

void DaemonLog::flush() {
    impl_->to.know_own_pid();
    for (const auto& sink : impl_->to.sinks) sink->catch_up();
}

std::uint64_t DaemonLog::lost() const {
    std::uint64_t lost = impl_->to.failed;
    for (const auto& sink : impl_->to.sinks) lost += sink->lost();
    return lost;
}

std::uint64_t DaemonLog::lost_by_reader() const {
    std::uint64_t lost = impl_->to.failed;
    for (const auto& sink : impl_->to.sinks)
        if (sink->had_reader()) lost += sink->lost();
    return lost;
}

ModuleLog::ModuleLog(DaemonLog& to, LogLevel level) : logger_{to.impl_->logger->with(level)} {}

void ModuleLog::line(LogLevel level, std::string_view text) { logger_->write(level, text, {}, false); }

bool ModuleLog::enabled(LogLevel level) const { return logger_->enabled(level); }

void ModuleLog::set_level(LogLevel level) { logger_->set(level); }

namespace {

constexpr std::size_t kTextBytesMax = 4096;

std::string on_one_line(std::string_view text) {
    std::string line{text.substr(0, kTextBytesMax)};
    std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return line;
}

// Calls `each` with the name and the value of every field that is known.
template <class Each>
void visit(const LogFields& fields, Each each) {
    const std::array<std::pair<const char*, std::string_view>, 7> texts{{{"event", fields.event},
                                                                         {"instance", fields.instance},
                                                                         {"group", fields.group},
                                                                         {"service", fields.service},
                                                                         {"server", fields.server},
                                                                         {"reason", fields.reason},
                                                                         {"cause", fields.cause}}};
    for (const auto& [name, value] : texts)
        if (!value.empty()) each(name, value);
}

std::string upper(std::string_view name) {
    std::string out{name};
    std::ranges::transform(out, out.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    return out;
}

}  // namespace

std::string syslog_datagram(const LogSource& source, LogLevel level, std::time_t when, std::string_view text) {
    static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm parts{};
    static_cast<void>(::localtime_r(&when, &parts));
    return fmt::format("<{}>{} {:2} {:02}:{:02}:{:02} {}[{}]: {}", source.facility * 8 + static_cast<int>(level),
                       kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_mday, parts.tm_hour, parts.tm_min,
                       parts.tm_sec, on_one_line(source.ident), source.pid, on_one_line(text));
}

std::string journal_datagram(const LogSource& source, LogLevel level, std::string_view text, const LogFields& fields) {
    std::string out =
        fmt::format("MESSAGE={}\nPRIORITY={}\nSYSLOG_FACILITY={}\nSYSLOG_IDENTIFIER={}\nSYSLOG_PID={}\n",
                    on_one_line(text), static_cast<int>(level), source.facility, on_one_line(source.ident), source.pid);
    visit(fields, [&out](const char* name, std::string_view value) {
        out += fmt::format("MAINSTAY_{}={}\n", upper(name), on_one_line(value));
    });
    if (fields.priority) out += fmt::format("MAINSTAY_PRIORITY={}\n", *fields.priority);
    return out;
}

std::string json_line(const LogSource& source, LogLevel level, WallTime when, std::string_view text,
                      const LogFields& fields) {
    using json = nlohmann::ordered_json;
    json object{{"time", utc_text(when, UtcDigits::Microseconds)},
                {"level", to_string(level)},
                {"program", source.ident},
                {"pid", source.pid},
                {"message", text.substr(0, kTextBytesMax)}};
    visit(fields, [&object](const char* name, std::string_view value) { object[name] = value; });
    if (fields.priority) object["priority"] = *fields.priority;
    return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace mainstay::kernel
