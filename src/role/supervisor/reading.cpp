// What the supervisor does for the reader because it takes root's rights: entering another network namespace, opening a
// log file for the check of a reload, keeping copies of the configuration.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "copies.hpp"
#include "helper.hpp"
#include "impl.hpp"
#include "mainstay/kernel/scheduling.hpp"

namespace mainstay::role {

// The process waits for its RoleStartup and exits when the control socket is closed.
Result<int> Supervisor::start_reader(std::vector<std::pair<int, int>> descriptors) const {
    return kernel::spawn_role({program_path(executable_, kReaderProgram),
                               command_line(options_.identity.process_name(Kind::Supervisor)), std::move(descriptors),
                               network_namespace_ ? network_namespace_.get() : reader_namespace_at_.get(),
                               reader_limits()});
}

ipc::RoleStartup Supervisor::orders_for_reader() const {
    auto orders = startup_for(Kind::Supervisor, false);
    orders.user = account_of(kReaderAccount);
    orders.in_namespace = network_namespace_ ? current_.settings.daemon.net_namespace : reader_namespace_;
    orders.run_vrrp = options_.run_vrrp;
    orders.run_lvs = options_.run_lvs;
    orders.notify_wait_seconds = current_.settings.notify_wait_seconds;
    orders.pass_environment = current_.settings.pass_environment;
    // The running settings, with which the reader compares: it reads their secrets itself.
    orders.api = current_.settings.api;
    orders.mail = current_.settings.mail;
    orders.webhooks = current_.settings.webhooks;
    orders.errors = current_.settings.errors;
    return orders;
}

// The first configuration may name a network namespace; then it is read again in that one. A reload cannot change it.
void Supervisor::read_again_in(const std::string& name) {
    if (phase_ != Phase::Starting || !reader_namespace_.empty()) {
        log_.error("Cannot change network namespace at a reload - please restart {}", options_.identity.program());
        return reading_failed(kExitConfig,
                              "the new configuration is refused: a reload cannot change the network namespace");
    }
    reader_namespace_ = name;
    auto there = kernel::open_network_namespace(name);
    if (there)
        reader_namespace_at_ = std::move(*there);
    else
        log_.warning("{}", there.error().text());
    begin_reading();
}

// -1: none is configured, or it cannot be opened; the reader logs that if it has something to write.
int Supervisor::open_check_log(const ipc::RoleStartup& orders) {
    if (!orders.check_first || orders.check_log.empty()) return -1;
    constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    check_log_.reset(::open(orders.check_log.c_str(), kFlags, 0600));
    return check_log_.get();
}

// An empty log file is removed.
void Supervisor::close_check_log() {
    struct stat facts{};
    if (check_log_ && ::fstat(check_log_.get(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size == 0)
        ::unlink(current_.settings.daemon.reload_check_log.c_str());
    check_log_.reset();
}

// Runs in a child process, because the disk may be slow.
void Supervisor::keep_configuration() {
    const UniqueFd text = std::move(next_.text);
    const auto& settings = next_.settings.daemon;
    if (!text || (settings.tmp_config_directory.empty() && settings.config_save_dir.empty())) return;
    const int pid = ::fork();
    if (pid < 0) log_.warning("a copy of the configuration cannot be kept: errno {}", errno);
    if (pid != 0) return;
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

}  // namespace mainstay::role
