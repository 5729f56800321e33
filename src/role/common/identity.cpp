#include "mainstay/role/common/identity.hpp"

#include <array>

namespace mainstay::role {

namespace {

struct Names {
    const char *program, *account, *keepalived_ident, *pid_file, *keepalived_pid_file;
};
// By Kind.
constexpr std::array<Names, kRoles + 1> kNames{{
    {"mainstayd", "root", "Keepalived", "mainstayd.pid", "keepalived.pid"},
    {"mainstayd-vrrp", "mainstay-vrrp", "Keepalived_vrrp", "vrrp.pid", "vrrp.pid"},
    {"mainstayd-lvs", "mainstay-lvs", "Keepalived_healthcheckers", "lvs.pid", "checkers.pid"},
    {"mainstayd-obs", "mainstay-obs", "Keepalived_observer", "observer.pid", "observer.pid"},
    {"mainstayd-bfd", "mainstay-bfd", "Keepalived_bfd", "bfd.pid", "bfd.pid"},
    {"mainstayd-snmp", "mainstay-snmp", "Keepalived_snmp", "snmp.pid", "snmp.pid"},
}};

const Names& names_of(Kind kind) { return kNames.at(static_cast<std::size_t>(kind)); }

}  // namespace

const char* account_name(Kind kind) { return names_of(kind).account; }

const char* program_name(Kind kind) { return names_of(kind).program; }

std::string Identity::program_and_version(const std::string& version) const {
    const std::string own = "mainstay v" + version;
    return keepalived ? "Keepalived v" + std::string{kKeepalivedVersion} + " (" + own + ")" : own;
}

std::string Identity::log_ident(Kind kind) const {
    return keepalived ? names_of(kind).keepalived_ident : names_of(kind).program;
}

std::string Identity::process_name(Kind kind) const {
    // keepalived calls all its processes by one name unless process_names is set.
    return keepalived ? "keepalived" : log_ident(kind);
}

std::string Identity::pid_file(Kind kind, const std::string& run_directory) const {
    if (keepalived) return std::string{"/run/"} + names_of(kind).keepalived_pid_file;
    return run_directory + "/" + names_of(kind).pid_file;
}

Identity identity_of(std::string_view argv0) {
    const auto slash = argv0.rfind('/');
    if (slash != std::string_view::npos) argv0.remove_prefix(slash + 1);
    return Identity{argv0 == "keepalived"};
}

}  // namespace mainstay::role
