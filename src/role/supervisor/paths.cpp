// Settings of the whole daemon that the first configuration decides: the folders of its files and its network
// namespace. Later only a restart changes them.

#include <sys/stat.h>
#include <unistd.h>

#include "daemon.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/kernel/unix_socket.hpp"

namespace mainstay::role {
namespace {

constexpr std::chrono::seconds kSpoolFolderRetry{10}, kForOtherDaemon{5};

}  // namespace

// Runs before the daemon opens its sockets. After an upgrade all of this exists already.
Result<void> Daemon::resolve_paths(const ipc::DaemonSettings& settings, const std::string& pid_name) {
    state_.paths = paths_of(options_.identity, options_.run_directory, options_.spool_directory, settings, pid_name);
    state_.paths.state_directory =
        options_.state_directory + state_.paths.run_directory.substr(options_.run_directory.size());
    if (!state_.paths.suffix.empty() && options_.set_log_ident)
        options_.set_log_ident(options_.identity.log_ident(Kind::Supervisor) + state_.paths.suffix);
    if (auto opened = open_namespaces(settings); !opened) return opened;
    if (auto made = kernel::make_directory(state_.paths.run_directory, state_.account, 0755); !made) return made;
    make_spool_folder(true);
    if (state_.paths.pid_directory == "/run/keepalived")
        if (auto made = kernel::make_directory(state_.paths.pid_directory, {0, 0}, 0755); !made) return made;
    if (options_.hand_over < 0)
        if (auto claimed = claim_pid_file(settings.process_name); !claimed) return claimed;
    return {};
}

// The folder belongs to a role's account, which must not be able to keep the daemon from its start: only a root that
// listens counts.
std::optional<int> Daemon::other_daemon() const {
    const auto socket = kernel::connect_unix(state_.supervisor_socket(), SOCK_SEQPACKET);
    const auto peer = socket ? kernel::peer_of(socket->get()) : error_of(socket);
    if (!peer || peer->uid != 0 || peer->pid == ::getpid()) return std::nullopt;
    return peer->pid;
}

// Two daemons in one folder would take each other's sockets, mails and records. If another one is there although this
// one has the pid file, then either the other one is ending (its pid file was removed, and this daemon started), or it
// has another pid file and the same name, and stays. False: ask again soon.
Result<bool> Daemon::take_place(const ipc::DaemonSettings& settings) {
    const auto now = kernel::monotonic_now();
    if (pid_file_.path().empty()) {
        auto resolved = resolve_paths(settings, name_of_pid_file(options_.pid_file(Kind::Supervisor)));
        if (!resolved) return error_of(resolved);
        other_daemon_until_ = now + kForOtherDaemon;
    }
    if (const auto other = other_daemon()) {
        if (now < other_daemon_until_) return false;
        return fail(Errc::Exists, fmt::format("daemon is already running: process {} listens at {}{}", *other,
                                              state_.supervisor_socket(), kNameAnother));
    }
    load_discovery();
    operators_.open({});
    return true;
}

// The daemon starts even if the disk is read-only or full; the observer then keeps mails in memory.
void Daemon::make_spool_folder(bool first) {
    const auto made = kernel::make_directory(state_.paths.spool_directory, state_.account, 0750);
    if (made) {
        if (!first) log_.notice("mail spool folder {} created", state_.paths.spool_directory);
        return;
    }
    if (first)
        log_.error("the mail spool folder cannot be created: {}; mails are kept in memory, next attempt in {} s",
                   made.error().text(), kSpoolFolderRetry.count());
    spool_wait_.expires_after(kSpoolFolderRetry);
    spool_wait_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !state_.is_stopping()) make_spool_folder(false);
    });
}

Result<void> Daemon::open_namespaces(const ipc::DaemonSettings& settings) {
    if (!settings.net_namespace.empty()) {
        auto there = kernel::open_network_namespace(settings.net_namespace);
        if (!there) return error_of(there, "net_namespace");
        state_.network_namespace = std::move(*there);
        scripts_->set_network_namespace(state_.network_namespace.get());
        fifos_->set_network_namespace(state_.network_namespace.get());
        log_.info("Changing to network namespace {}", settings.net_namespace);
    }
    if (!settings.has_ipvs_namespace || settings.ipvs_namespace == settings.net_namespace) return {};
    auto there = kernel::open_network_namespace(settings.ipvs_namespace);
    if (!there) return error_of(there, "net_namespace_ipvs");
    state_.ipvs_namespace = std::move(*there);
    return {};
}

// Called at every commit, for the settings that a reload may change.
void Daemon::apply_settings() {
    const auto& settings = state_.settings();
    kernel::set_process_name(settings.process_name.empty() ? options_.identity.process_name(Kind::Supervisor)
                                                           : settings.process_name);
    // keepalived's default is for what others may read: dumps, and what scripts write. Our own files have each its
    // mode.
    const bool given = settings.umask >= 0;
    if (!options_.umask_given) ::umask(given ? static_cast<mode_t>(settings.umask) : inherited_umask_);
    state_.umask = options_.umask_given ? static_cast<int>(inherited_umask_)
                   : given              ? settings.umask
                                        : static_cast<int>(config::keyword::umask.otherwise);
    scripts_->set_umask(state_.umask);
    fifos_->set_umask(state_.umask);
    scripts_->set_notify_wait(std::chrono::seconds{state_.current.settings.notify_wait_seconds});
    scripts_->set_pass_environment(state_.current.settings.pass_environment);
    fifos_->set_pass_environment(state_.current.settings.pass_environment);
}

// `name`: that the configuration gives the process; empty: none.
Result<void> Daemon::claim_pid_file(const std::string& name) {
    const auto program = name.empty() ? options_.identity.process_name(Kind::Supervisor) : name;
    auto pid_file = PidFile::claim(state_.pid_file_of(Kind::Supervisor), program);
    if (!pid_file) return error_of(pid_file);
    // Those in the run folder are not looked at: a role's account must not be able to keep the daemon from its start.
    for (const Kind kind : kRoleKinds)
        if (const auto& given = options_.pid_file(kind); !given.empty())
            if (auto is_free = free_for_pid_file(given); !is_free) return is_free;
    pid_file_ = std::move(*pid_file);
    for (const Kind kind : kRoleKinds)
        remove_stale_pid_file(state_.pid_file_of(kind), options_.identity.process_name(kind));
    return {};
}

// Folders of a name stay as long as something is in them: mails, history, maintenance.
void Daemon::remove_empty_folders() {
    if (state_.paths.name.empty()) return;
    for (const auto* folder :
         {&state_.paths.run_directory, &state_.paths.state_directory, &state_.paths.spool_directory})
        ::rmdir(folder->c_str());
}

}  // namespace mainstay::role
