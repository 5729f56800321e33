#include "mainstay/kernel/log_sink.hpp"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::kernel {

namespace {

constexpr std::size_t kLineBytesMax = 4096;
constexpr std::size_t kGatheredBytesMax = 32UL * 1024U;
constexpr std::chrono::seconds kReconnectEvery{1};  // never one connect per line

spdlog::level::level_enum spd(LogLevel level) {
    switch (level) {
        case LogLevel::Error:
            return spdlog::level::err;
        case LogLevel::Warning:
            return spdlog::level::warn;
        case LogLevel::Notice:
        case LogLevel::Info:
            return spdlog::level::info;
        case LogLevel::Debug:
            return spdlog::level::debug;
    }
    return spdlog::level::info;
}

LogLevel from_spd(spdlog::level::level_enum level) {
    if (level >= spdlog::level::err) return LogLevel::Error;
    if (level == spdlog::level::warn) return LogLevel::Warning;
    return level == spdlog::level::info ? LogLevel::Info : LogLevel::Debug;
}

std::string_view view(const spdlog::string_view_t& text) { return {text.data(), text.size()}; }

// spdlog's stock syslog sink calls syslog(3), which blocks when the reader does not read.
class SyslogSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit SyslogSink(const LogOptions& options)
        : ident_{options.ident}, path_{options.socket}, facility_{options.facility} {}
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    void set_ident(const std::string& ident) { ident_ = ident; }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (lost_ != told_ && connected()) {
            const std::uint64_t missing = lost_ - told_;
            if (send(LogLevel::Warning, std::to_string(missing) + " log lines were lost: the log socket was not read"))
                told_ += missing;
        }
        if (!connected() || !send(from_spd(message.level), view(message.payload))) ++lost_;
    }
    void flush_() override {}

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
    bool send(LogLevel level, std::string_view text) {
        const auto datagram = syslog_datagram(facility_, level, ::time(nullptr), ident_, ::getpid(), text);
        if (::send(socket_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
        // A full queue is no reason to reconnect, unlike a restarted syslogd.
        if (errno != EAGAIN && errno != ENOBUFS) socket_.reset();
        return false;
    }

    std::string ident_, path_;
    int facility_;
    UniqueFd socket_;
    Instant tried_{};
    std::uint64_t lost_ = 0, told_ = 0;
};

// stderr as keepalived -l writes it: "Fri Nov 20 08:15:00 2026: text". A pipe that nobody reads must not stop a role
// either; if it is non-blocking, lines that do not fit are dropped.
class ConsoleSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    ~ConsoleSink() override { flush_(); }
    void gather(std::function<void()> later) { later_ = std::move(later); }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (const auto now = std::chrono::system_clock::to_time_t(message.time); now != stamped_) stamp(now);
        const bool first = pending_.empty();
        pending_.append(stamp_).append(view(message.payload).substr(0, kLineBytesMax)).push_back('\n');
        if (!later_ || pending_.size() >= kGatheredBytesMax) return flush_();
        if (first) later_();
    }
    void flush_() override {
        if (pending_.empty()) return;
        [[maybe_unused]] const auto written = ::write(STDERR_FILENO, pending_.data(), pending_.size());
        pending_.clear();
    }

private:
    void stamp(std::time_t now) {
        std::tm parts{};
        static_cast<void>(::localtime_r(&now, &parts));
        std::array<char, 40> text{};
        stamp_.assign(text.data(), std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y: ", &parts));
        stamped_ = now;
    }

    std::function<void()> later_;
    std::string pending_, stamp_;
    std::time_t stamped_ = -1;
};

}  // namespace

std::string syslog_datagram(int facility, LogLevel level, std::time_t when, std::string_view ident, int pid,
                            std::string_view text) {
    static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm parts{};
    static_cast<void>(::localtime_r(&when, &parts));
    std::string line = fmt::format("<{}>{} {:2} {:02}:{:02}:{:02} {}[{}]: ", facility * 8 + static_cast<int>(level),
                                   kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_mday, parts.tm_hour,
                                   parts.tm_min, parts.tm_sec, ident, pid);
    line.append(text.substr(0, kLineBytesMax));
    std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return line;
}

struct DaemonLog::Impl {
    LogLevel level;
    std::shared_ptr<SyslogSink> syslog;
    std::shared_ptr<ConsoleSink> console;
    std::shared_ptr<spdlog::logger> logger;
};

DaemonLog::DaemonLog(const LogOptions& options) : impl_{std::make_unique<Impl>()} {
    impl_->level = options.level;
    std::vector<spdlog::sink_ptr> sinks;
    if (!options.socket.empty()) sinks.push_back(impl_->syslog = std::make_shared<SyslogSink>(options));
    if (options.console) sinks.push_back(impl_->console = std::make_shared<ConsoleSink>());
    impl_->logger = std::make_shared<spdlog::logger>(options.ident, sinks.begin(), sinks.end());
    impl_->logger->set_level(spdlog::level::debug);
}

DaemonLog::~DaemonLog() = default;

void DaemonLog::line(LogLevel level, std::string_view text) {
    if (enabled(level)) impl_->logger->log(spd(level), spdlog::string_view_t{text.data(), text.size()});
}

bool DaemonLog::enabled(LogLevel level) const { return level <= impl_->level; }

void DaemonLog::set_ident(const std::string& ident) {
    if (impl_->syslog) impl_->syslog->set_ident(ident);
}

void DaemonLog::gather(std::function<void()> later) {
    if (impl_->console) impl_->console->gather(std::move(later));
}

void DaemonLog::flush() {
    if (impl_->console) impl_->console->flush();
}

std::uint64_t DaemonLog::lost() const { return impl_->syslog ? impl_->syslog->lost() : 0; }

}  // namespace mainstay::kernel
