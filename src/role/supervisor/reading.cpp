// What a reader needs that only root may do: being in another network namespace, a log of its own, copies of the
// configuration.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "copies.hpp"
#include "impl.hpp"
#include "mainstay/kernel/scheduling.hpp"

namespace mainstay::role {

ipc::RoleStartup Supervisor::startup_for_reader() const {
    auto startup = startup_for(Kind::Supervisor, false);
    startup.user = account_of(kReaderAccount);
    startup.in_namespace = network_namespace_ ? settings_.daemon.net_namespace : reader_namespace_;
    startup.run_vrrp = options_.run_vrrp;
    startup.run_lvs = options_.run_lvs;
    startup.notify_wait_seconds = settings_.notify_wait_seconds;
    return startup;
}

// The first configuration names the network namespace that it is about; no later one may name another.
void Supervisor::read_again_in(const std::string& name) {
    if (phase_ != Phase::Starting || !reader_namespace_.empty()) {
        log_.error("Cannot change network namespace at a reload - please restart {}", options_.identity.program());
        return reading_failed(kExitConfig,
                              "the new configuration is refused, since network namespace cannot change at a reload");
    }
    reader_namespace_ = name;
    auto there = kernel::open_network_namespace(name);
    if (there)
        reader_namespace_at_ = std::move(*there);
    else
        log_.warning("{}", there.error().text());
    begin_reading();
}

// -1: none is wanted, or it cannot be opened, which the reader logs when it has something to write.
int Supervisor::open_check_log(const ipc::RoleStartup& startup) {
    if (!startup.check_first || startup.check_log.empty()) return -1;
    constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    check_log_.reset(::open(startup.check_log.c_str(), kFlags, 0600));
    return check_log_.get();
}

// One that nothing was written to leaves no file.
void Supervisor::close_check_log() {
    struct stat facts{};
    if (check_log_ && ::fstat(check_log_.get(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size == 0)
        ::unlink(settings_.daemon.reload_check_log.c_str());
    check_log_.reset();
}

// In a child: the disk may be slow.
void Supervisor::keep_configuration() {
    const UniqueFd text = std::move(next_text_);
    const auto& settings = reading_done_->daemon;
    if (!text || (settings.tmp_config_directory.empty() && settings.config_save_dir.empty())) return;
    const int pid = ::fork();
    if (pid < 0) log_.warning("a copy of the configuration cannot be kept: errno {}", errno);
    if (pid != 0) return;
    const auto bytes = ipc::read_memfd(text.get(), ipc::kTextBytesMax);
    if (bytes)
        keep_copies(settings, options_.config_path, {reinterpret_cast<const char*>(bytes->data()), bytes->size()},
                    log_);
    else
        log_.warning("a copy of the configuration cannot be kept: {}", bytes.error().text());
    ::_exit(0);
}

}  // namespace mainstay::role
