#include "daemon_state.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mainstay::role {

std::string DaemonState::account_of(const char* own) const {
    return options.shared_account.empty() ? own : options.shared_account;
}

std::string DaemonState::pid_file_of(Kind kind) const {
    const std::string& given = options.pid_file(kind);
    return given.empty() ? paths.pid_file(options.identity, kind) : given;
}

std::string DaemonState::supervisor_socket() const {
    return paths.run_directory + "/" + std::string{kSupervisorSocket};
}

// keepalived's processes are forks: programs that drive it (neutron) look for their daemon's paths in the arguments of
// each. The roles' programs do not read them.
std::vector<std::string> DaemonState::command_line(std::string program) const {
    if (options.arguments.empty()) return {std::move(program)};
    auto words = options.arguments;
    if (!options.identity.keepalived) words.front() = std::move(program);
    return words;
}

ipc::RoleStartup DaemonState::startup_for(Kind kind, bool restarted) const {
    const KindTraits& traits = traits_of(kind);
    ipc::RoleStartup startup;
    startup.restarted = restarted;
    startup.log_ident = options.identity.log_ident(kind) + paths.suffix;
    startup.log_socket = options.log_socket;
    startup.log_facility = options.log_facility;
    startup.log_console = options.log_console;
    startup.log_level = log_levels.of(kind == Kind::Supervisor ? LogModule::Config : traits.log_module);
    startup.log_levels = log_levels.levels();
    startup.log_journal = options.log_journal;
    startup.log_json = options.log_json;
    startup.user = account_of(traits.account);
    startup.process_name = options.identity.process_name(kind);
    startup.config_path = options.config_path;
    startup.config_id = options.config_id;
    startup.control_socket = paths.run_directory + "/" + std::string{kApiSocket};
    startup.spool_directory = paths.spool_directory;
    startup.net_namespace = options.net_namespace;
    const auto number = static_cast<std::uint8_t>(kind);
    startup.may_schedule = std::ranges::count(settings().scheduling_roles, number) != 0;
    startup.may_lock = std::ranges::count(settings().locking_roles, number) != 0;
    startup.has_ipvs_namespace = traits.works_on_ipvs && ipvs_namespace;
    startup.keep_addresses = options.keep_addresses;
    startup.keep_ipvs = options.keep_ipvs;
    startup.adopt = options.adopt && !start_is_complete && options.hand_over < 0;
    startup.upgraded_from = upgraded_from;
    startup.settings_path = options.settings_path;
    startup.audit_seconds = current.settings.audit_seconds;
    startup.mail_keep_seconds = current.settings.mail_keep_seconds;
    if (traits.sends_alerts) startup.mail = current.settings.mail;
    if (traits.sends_alerts) startup.webhooks = current.settings.webhooks;
    startup.strict = options.strict;
    startup.all_include_checks = options.all_include_checks;
    startup.snmp = options.snmp;
    startup.snmp_socket = traits.needs_snmp_socket ? settings().snmp_socket : options.snmp_socket;
    return startup;
}

// Roles that only watch stay in the host's namespace, where the mail server, the AgentX master and the clients are.
int DaemonState::network_namespace_of(Kind kind) const {
    return traits_of(kind).only_watches ? -1 : network_namespace.get();
}

bool DaemonState::remove_file(const std::string& path) {
    return disk
        .run(path,
             [&path]() -> Result<void> {
                 if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_system("remove " + path, errno);
                 return {};
             })
        .has_value();
}

}  // namespace mainstay::role
