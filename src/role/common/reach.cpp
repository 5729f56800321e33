#include "reach.hpp"

#include <algorithm>
#include <iterator>

#include "mainstay/kernel/kernel_release.hpp"

namespace mainstay::role {
namespace {

using Access = kernel::PathRule::Access;

// For every process: the time zone, for the log, and paths that libraries expect to be readable.
std::vector<kernel::PathRule> least_paths() {
    return {{"/etc/localtime", Access::Read},
            {"/usr/share/zoneinfo", Access::Read},
            {"/dev/null", Access::Write},
            {"/dev/urandom", Access::Read}};
}
// For OpenSSL, name services and libraries loaded on demand, and for the number of processors.
std::vector<kernel::PathRule> system_paths() {
    return {{"/etc", Access::Read},
            {"/usr", Access::Read},
            {"/lib", Access::Read},
            {"/lib64", Access::Read},
            {"/sys/devices/system/cpu", Access::Read}};
}
// Settings of interfaces and of IPVS.
kernel::PathRule network_settings() { return {"/proc/sys/net", Access::Write}; }

std::string holder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

kernel::Reach least_and(std::vector<kernel::PathRule> more, bool tcp) {
    std::ranges::move(least_paths(), std::back_inserter(more));
    return {std::move(more), tcp};
}

kernel::Reach system_and(std::vector<kernel::PathRule> more, bool tcp) {
    std::ranges::move(system_paths(), std::back_inserter(more));
    return least_and(std::move(more), tcp);
}

}  // namespace

kernel::Reach reach_of(Kind kind, const ipc::RoleStartup& startup) {
    switch (kind) {
        case Kind::Vrrp:  // the names of groups, tables and protocols are in /etc and /usr
            return least_and({network_settings(), {"/etc", Access::Read}, {"/usr", Access::Read}}, false);
        case Kind::Lvs:
            return system_and({network_settings(), {kernel::boot_configuration_path(), Access::Read}}, true);
        case Kind::Bfd:
            return least_and({}, false);
        case Kind::Observer:  // the resolver's files may be in /run
            return system_and({{holder_of(holder_of(startup.control_socket)), Access::Manage},
                               {holder_of(startup.spool_directory), Access::Manage},
                               {"/run", Access::Read},
                               {"/var/lib/sss", Access::Read},
                               {"/proc/self", Access::Read}},
                              true);
        case Kind::Snmp:
        case Kind::Supervisor:
            break;
    }
    return {{{"/", Access::Read}}, true};  // net-snmp's MIB modules read files in many places
}

// Tracked files may be anywhere, and a reload may add others.
kernel::Reach watcher_reach() { return {{{"/", Access::Read}}, false}; }

// Configurations, scripts and keys may be anywhere; name services (LDAP) may use TCP.
kernel::Reach reader_reach() { return {{{"/", Access::Read}}, true}; }

}  // namespace mainstay::role
