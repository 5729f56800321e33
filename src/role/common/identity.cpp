#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

const char* account_name(Kind kind) {
    switch (kind) {
        case Kind::Vrrp: return "mainstay-vrrp";
        case Kind::Lvs: return "mainstay-lvs";
        case Kind::Observer: return "mainstay-obs";
        case Kind::Bfd: return "mainstay-bfd";
        case Kind::Snmp: return "mainstay-snmp";
        case Kind::Supervisor: break;
    }
    return "root";
}

const char* program_name(Kind kind) {
    switch (kind) {
        case Kind::Vrrp: return "mainstayd-vrrp";
        case Kind::Lvs: return "mainstayd-lvs";
        case Kind::Observer: return "mainstayd-obs";
        case Kind::Bfd: return "mainstayd-bfd";
        case Kind::Snmp: return "mainstayd-snmp";
        case Kind::Supervisor: break;
    }
    return "mainstayd";
}

std::string Identity::program_and_version(const std::string& version) const {
    const std::string own = "mainstay v" + version;
    return keepalived ? "Keepalived v" + std::string{kKeepalivedVersion} + " (" + own + ")" : own;
}

std::string Identity::log_ident(Kind kind) const {
    if (!keepalived) return program_name(kind);
    switch (kind) {
        case Kind::Vrrp: return "Keepalived_vrrp";
        case Kind::Lvs: return "Keepalived_healthcheckers";
        case Kind::Observer: return "Keepalived_observer";
        case Kind::Bfd: return "Keepalived_bfd";
        case Kind::Snmp: return "Keepalived_snmp";
        case Kind::Supervisor: break;
    }
    return "Keepalived";
}

std::string Identity::process_name(Kind kind) const {
    // keepalived calls all its processes by one name unless process_names is set.
    return keepalived ? "keepalived" : log_ident(kind);
}

std::string Identity::pid_file(Kind kind, const std::string& run_directory) const {
    const std::string folder = keepalived ? "/run" : run_directory;
    switch (kind) {
        case Kind::Vrrp: return folder + "/vrrp.pid";
        case Kind::Lvs: return folder + (keepalived ? "/checkers.pid" : "/lvs.pid");
        case Kind::Observer: return folder + "/observer.pid";
        case Kind::Bfd: return folder + "/bfd.pid";
        case Kind::Snmp: return folder + "/snmp.pid";
        case Kind::Supervisor: break;
    }
    return folder + (keepalived ? "/keepalived.pid" : "/mainstayd.pid");
}

Identity identity_of(std::string_view argv0) {
    const auto slash = argv0.rfind('/');
    if (slash != std::string_view::npos) argv0.remove_prefix(slash + 1);
    return Identity{argv0 == "keepalived"};
}

}  // namespace mainstay::role
