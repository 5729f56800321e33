#include "mainstay/role/common/kinds.hpp"

namespace mainstay::role {
namespace {

// Indexed by Kind.
constexpr std::array<KindTraits, kRoles + 1> kTraits{{
    {.label = "Supervisor",
     .program = "mainstayd",
     .account = "root",
     .keepalived_ident = "Keepalived",
     .pid_file = "mainstayd.pid",
     .keepalived_pid_file = "keepalived.pid"},
    {.label = "VRRP",
     .program = "mainstayd-vrrp",
     .account = "mainstay-vrrp",
     .keepalived_ident = "Keepalived_vrrp",
     .pid_file = "vrrp.pid",
     .keepalived_pid_file = "vrrp.pid",
     .option_prefix = "vrrp",
     .process_names = "keepalived_vrrp",
     .rt_priority = &config::Global::vrrp_rt_priority,
     .has_spare = true,
     .speaks_in_time = true,
     .is_short_of_time = true,
     .logs_reloads = true},
    {.label = "Healthcheck",
     .program = "mainstayd-lvs",
     .account = "mainstay-lvs",
     .keepalived_ident = "Keepalived_healthcheckers",
     .pid_file = "lvs.pid",
     .keepalived_pid_file = "checkers.pid",
     .option_prefix = "checker",
     .process_names = "keepalived_lvs",
     .old_name_option = "lvs_process_name",
     .works_on_ipvs = true,
     .waits_for_files = true,
     .has_many_servers = true,
     .logs_reloads = true},
    {.label = "Observer",
     .program = "mainstayd-obs",
     .account = "mainstay-obs",
     .keepalived_ident = "Keepalived_observer",
     .pid_file = "observer.pid",
     .keepalived_pid_file = "observer.pid",
     .only_watches = true,
     .always_runs = true,
     .makes_dumps = true,
     .hears_observations = false},
    {.label = "BFD",
     .program = "mainstayd-bfd",
     .account = "mainstay-bfd",
     .keepalived_ident = "Keepalived_bfd",
     .pid_file = "bfd.pid",
     .keepalived_pid_file = "bfd.pid",
     .option_prefix = "bfd",
     .process_names = "keepalived_bfd",
     .speaks_in_time = true},
    {.label = "SNMP",
     .program = "mainstayd-snmp",
     .account = "mainstay-snmp",
     .keepalived_ident = "Keepalived_snmp",
     .pid_file = "snmp.pid",
     .keepalived_pid_file = "snmp.pid",
     .only_watches = true,
     .is_optional = true,
     .needs_snmp_socket = true},
}};

}  // namespace

const KindTraits& traits_of(Kind kind) { return kTraits.at(static_cast<std::size_t>(kind)); }

}  // namespace mainstay::role
