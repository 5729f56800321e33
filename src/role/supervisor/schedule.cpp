// Scheduled reloads (reload_time_file), and the marker file that exists during a reload (reload_file).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "impl.hpp"
#include "mainstay/config/parse/reload_time.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {

namespace {

constexpr std::size_t kTimeFileBytes = 128;

std::int64_t utc_offset(std::int64_t now) {
    const std::time_t at = now;
    std::tm local{};
    return ::localtime_r(&at, &local) != nullptr ? local.tm_gmtoff : 0;
}

// Regular files only: opening or reading a FIFO or a device could block the supervisor.
std::optional<std::string> small_file(const std::string& path) {
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    struct stat facts{};
    if (!fd || ::fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
    std::array<char, kTimeFileBytes> text{};
    const auto got = ::read(fd.get(), text.data(), text.size());
    if (got < 0) return std::nullopt;
    return std::string{text.data(), static_cast<std::size_t>(got)};
}

}  // namespace

// Once a second.
void Supervisor::look_at_schedule() {
    const auto& settings = current_.settings.daemon;
    if (phase_ != Phase::Running || settings.reload_time_file.empty()) {
        scheduled_text_.clear();
        scheduled_.reset();
        return;
    }
    const std::int64_t now = kernel::wall_now().unix_us / 1'000'000;
    if (scheduled_ && *scheduled_ <= now) {
        log_.info("Reloading at the time of {}", settings.reload_time_file);
        scheduled_.reset();
        // Without reload_repeat the file is removed; with it, the next reload is at the same time tomorrow.
        if (!settings.reload_repeat && !remove_file(settings.reload_time_file))
            log_.warning("{} cannot be removed; ignored until it changes", settings.reload_time_file);
        if (settings.reload_repeat) scheduled_text_.clear();
        return request_reload();
    }
    const auto text = small_file(settings.reload_time_file).value_or("");
    if (text == scheduled_text_) return;
    scheduled_text_ = text;
    scheduled_.reset();
    if (text.empty()) return;
    const auto time = config::parse_reload_time(text);
    if (!time) return log_.error("reload_time_file {}: {}", settings.reload_time_file, time.error().text());
    scheduled_ = config::next_reload(*time, now, utc_offset(now));
    if (!scheduled_) return log_.warning("reload_time_file {}: the time is in the past", settings.reload_time_file);
    log_.info("Reload scheduled in {} s by {}", *scheduled_ - now, settings.reload_time_file);
}

// Without waiting for its disk for long. Whether it is gone, or was not there.
bool Supervisor::remove_file(const std::string& path) {
    return disk_
        .run(path,
             [&path]() -> Result<void> {
                 if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_system("remove " + path, errno);
                 return {};
             })
        .has_value();
}

// Programs that edit the configuration wait while this file exists.
void Supervisor::mark_reading(bool reading) {
    if (reading && phase_ == Phase::Running && current_.settings.daemon.has_reload_file) {
        reading_mark_ = current_.settings.daemon.reload_file.empty() ? paths_.run_directory + "/keepalived.reload"
                                                                     : current_.settings.daemon.reload_file;
        const auto made = disk_.run(reading_mark_, [this]() -> Result<void> {
            const UniqueFd fd{
                ::open(reading_mark_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
            if (!fd && errno != EEXIST) return fail_system("create " + reading_mark_, errno);
            return {};
        });
        if (made) return;
        log_.warning("reload_file {} cannot be created", reading_mark_);
        if (made.error().code() != Errc::Timeout) reading_mark_.clear();  // else it is there when the disk answers
    }
    if (!reading && !reading_mark_.empty()) {
        remove_file(reading_mark_);
        reading_mark_.clear();
    }
}

// The copy of the configuration in tmp_config_directory.
void Supervisor::remove_config_copy() {
    const auto& folder = current_.settings.daemon.tmp_config_directory;
    if (!folder.empty()) remove_file(folder + "/mainstay-" + std::to_string(::getpid()) + ".conf");
}

}  // namespace mainstay::role
