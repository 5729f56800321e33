// The files of a reload, which need the rights of root: its time (reload_time_file), the marker that exists while it
// reads (reload_file), the log of its check, copies of the configuration.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "authorization.hpp"
#include "mainstay/config/parse/reload_time.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/process.hpp"
#include "reload.hpp"

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
void Reload::look() {
    const auto& settings = daemon_.settings();
    if (!daemon_.is_running() || settings.reload_time_file.empty()) {
        scheduled_text_.clear();
        scheduled_.reset();
        return;
    }
    const std::int64_t now = kernel::wall_now().unix_us / 1'000'000;
    if (scheduled_ && *scheduled_ <= now) {
        log_.info("Reloading at the time of {}", settings.reload_time_file);
        scheduled_.reset();
        // Without reload_repeat the file is removed; with it, the next reload is at the same time tomorrow.
        if (!settings.reload_repeat && !daemon_.remove_file(settings.reload_time_file))
            log_.warning("{} cannot be removed; ignored until it changes", settings.reload_time_file);
        if (settings.reload_repeat) scheduled_text_.clear();
        return request();
    }
    const auto text = small_file(settings.reload_time_file).value_or("");
    if (text == scheduled_text_) return;
    scheduled_text_ = text;
    scheduled_.reset();
    if (text.empty()) return;
    const auto time = config::parse_reload_time(text);
    if (!time) return log_.error("reload_time_file {}: {}", settings.reload_time_file, time.error().text());
    scheduled_ = config::next_reload(*time, now, utc_offset);
    if (!scheduled_) return log_.warning("reload_time_file {}: the time is in the past", settings.reload_time_file);
    log_.info("Reload scheduled in {} s by {}", *scheduled_ - now, settings.reload_time_file);
}

// -1: none is configured, or it cannot be opened; the reader logs that if it has something to write.
int Reload::open_check_log(const ipc::RoleStartup& orders) {
    if (!orders.check_first || orders.check_log.empty()) return -1;
    constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    auto opened = daemon_.disk.open(orders.check_log, [&orders]() -> Result<UniqueFd> {
        return UniqueFd{::open(orders.check_log.c_str(), kFlags, 0600)};
    });
    check_log_ = opened ? std::move(*opened) : UniqueFd{};
    return check_log_.get();
}

// An empty log file is removed.
void Reload::close_check_log() {
    struct stat facts{};
    if (check_log_ && ::fstat(check_log_.get(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size == 0)
        daemon_.remove_file(daemon_.settings().reload_check_log);
    check_log_.reset();
}

// Runs in a child process, because the disk may be slow.
void Reload::keep_configuration() {
    const UniqueFd text = std::move(daemon_.next.text);
    const auto& settings = daemon_.next.settings.daemon;
    if (!text || (settings.tmp_config_directory.empty() && settings.config_save_dir.empty())) return;
    const int supervisor = ::getpid();
    const int pid = ::fork();
    if (pid < 0) log_.warning("a copy of the configuration cannot be kept: errno {}", errno);
    if (pid != 0) return;
    become_helper(supervisor);
    close_all_but(text.get());
    end_after([&] {
        const auto bytes = ipc::read_memfd(text.get(), ipc::kTextBytesMax);
        if (bytes)
            keep_copies(settings, options_.config_path, {reinterpret_cast<const char*>(bytes->data()), bytes->size()},
                        log_);
        else
            log_.warning("a copy of the configuration cannot be kept: {}", bytes.error().text());
        return 0;
    });
}

// Programs that edit the configuration wait while this file exists.
void Reload::mark_reading(bool reading) {
    if (reading && daemon_.is_running() && daemon_.settings().has_reload_file) {
        reading_mark_ = daemon_.settings().reload_file.empty() ? daemon_.paths.run_directory + "/keepalived.reload"
                                                               : daemon_.settings().reload_file;
        const auto made = daemon_.disk.run(reading_mark_, [this]() -> Result<void> {
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
        daemon_.remove_file(reading_mark_);
        reading_mark_.clear();
    }
}

void Reload::remove_files() {
    mark_reading(false);
    // The copy of the configuration in tmp_config_directory.
    const auto& folder = daemon_.settings().tmp_config_directory;
    if (!folder.empty()) daemon_.remove_file(folder + "/mainstay-" + std::to_string(::getpid()) + ".conf");
}

void keep_copies(const ipc::DaemonSettings& settings, const std::string& config_path, std::string_view text, Log& log) {
    // Mode 0600: the copy contains passwords in clear text.
    const auto keep = [&](const std::string& path) {
        if (const auto written = kernel::write_file_safely(path, text, 0600); !written)
            log.warning("a copy of the configuration cannot be kept: {}", written.error().text());
    };
    if (!settings.tmp_config_directory.empty())
        keep(settings.tmp_config_directory + "/mainstay-" + std::to_string(::getppid()) + ".conf");
    if (settings.config_save_dir.empty()) return;
    const std::time_t now = ::time(nullptr);
    std::tm local{};
    std::array<char, 32> stamp{};
    if (::localtime_r(&now, &local) == nullptr) return;
    const auto length = std::strftime(stamp.data(), stamp.size(), "%Y%m%d-%H%M%S", &local);
    const std::string name = config_path.substr(config_path.rfind('/') + 1);
    keep(settings.config_save_dir + "/" + name + "." + std::string{stamp.data(), length});
}

}  // namespace mainstay::role
