#include "mainstay/kernel/log_sink.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "log_stream.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::kernel {

namespace {

constexpr std::size_t kConsoleLineBytesMax = 4096;
constexpr std::chrono::seconds kReconnectEvery{1};  // never one connect per line

}  // namespace

// The socket of syslog or journald. Their own libraries block when the reader does not read.
class LogSocket {
public:
    LogSocket(std::string path, bool journal) : path_{std::move(path)}, journal_{journal} {}
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    [[nodiscard]] bool is_journal() const { return journal_; }

    void write(const LogSource& source, LogLevel level, std::string_view text, const LogFields& fields) {
        if (lost_ != reported_ && connected()) {
            const std::uint64_t missing = lost_ - reported_;
            const std::string report = std::to_string(missing) + " log lines were lost: the log socket was not read";
            if (send(source, LogLevel::Warning, report, {})) reported_ += missing;
        }
        if (!connected() || !send(source, level, text, fields)) ++lost_;
    }

private:
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
        return true;
    }
    bool send(const LogSource& source, LogLevel level, std::string_view text, const LogFields& fields) {
        const auto datagram = journal_ ? journal_datagram(source, level, text, fields)
                                       : syslog_datagram(source, level, ::time(nullptr), text);
        if (::send(socket_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
        // A full queue is no reason to reconnect, unlike a restarted syslogd.
        if (errno != EAGAIN && errno != ENOBUFS) socket_.reset();
        return false;
    }

    std::string path_;
    bool journal_;
    UniqueFd socket_;
    Instant tried_{};
    std::uint64_t lost_ = 0, reported_ = 0;
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

struct DaemonLog::Impl {
    explicit Impl(const LogOptions& options)
        : level{options.level}, source{.ident = options.ident, .facility = options.facility, .pid = 0} {
        if (!options.socket.empty()) socket.emplace(options.socket, options.journal);
        if (options.console) console.emplace(STDERR_FILENO, "stderr");
        if (options.json) json.emplace(STDOUT_FILENO, "stdout");
    }

    void write(LogLevel line_level, std::string_view text, const LogFields& fields, bool only_with_fields) {
        know_own_pid();
        if (socket && (!only_with_fields || socket->is_journal())) socket->write(source, line_level, text, fields);
        report_losses();
        if (console && !only_with_fields)
            console->write(stamp.of(::time(nullptr)), text.substr(0, kConsoleLineBytesMax), "\n");
        if (json) json->write(json_line(source, line_level, wall_now(), text, fields), {}, {});
    }

    // A process may have forked since the last line.
    void know_own_pid() {
        const int pid = ::getpid();
        if (source.pid != 0 && source.pid != pid) for_each_stream([](LogStream& stream) { stream.forget(); });
        source.pid = pid;
    }

    void report_losses() {
        if (const std::string loss = console ? console->unreported() : ""; !loss.empty())
            console->write_loss(stamp.of(::time(nullptr)) + loss + "\n");
        if (const std::string loss = json ? json->unreported() : ""; !loss.empty())
            json->write_loss(json_line(source, LogLevel::Warning, wall_now(), loss, {}));
    }

    void for_each_stream(const std::function<void(LogStream&)>& act) {
        if (console) act(*console);
        if (json) act(*json);
    }

    LogLevel level;
    LogSource source;
    std::optional<LogSocket> socket;
    std::optional<LogStream> console, json;
    ConsoleStamp stamp;
};

DaemonLog::DaemonLog(const LogOptions& options) : impl_{std::make_unique<Impl>(options)} {}

DaemonLog::~DaemonLog() = default;

void DaemonLog::line(LogLevel level, std::string_view text) { line(level, text, {}); }

void DaemonLog::line(LogLevel level, std::string_view text, const LogFields& fields) {
    if (enabled(level)) impl_->write(level, text, fields, false);
}

void DaemonLog::fields_only(LogLevel level, std::string_view text, const LogFields& fields) {
    if (enabled(level)) impl_->write(level, text, fields, true);
}

void DaemonLog::always(LogLevel level, std::string_view text) { impl_->write(level, text, {}, false); }

void DaemonLog::set_level(LogLevel level) { impl_->level = level; }

bool DaemonLog::enabled(LogLevel level) const { return level <= impl_->level; }

void DaemonLog::set_ident(const std::string& ident) { impl_->source.ident = ident; }

void DaemonLog::gather(const std::function<void()>& later) {
    impl_->for_each_stream([&](LogStream& stream) { stream.gather(later); });
}

void DaemonLog::retry(const std::function<void()>& again) {
    impl_->for_each_stream([&](LogStream& stream) { stream.retry(again); });
}

void DaemonLog::flush() {
    impl_->know_own_pid();
    impl_->for_each_stream([](LogStream& stream) { stream.flush(); });
    impl_->report_losses();
}

std::uint64_t DaemonLog::lost() const {
    std::uint64_t lost = impl_->socket ? impl_->socket->lost() : 0;
    impl_->for_each_stream([&](const LogStream& stream) { lost += stream.lost(); });
    return lost;
}

}  // namespace mainstay::kernel
