// The settings of a configuration that the supervisor itself uses. The reader extracts them, because the supervisor
// parses no configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/framed_archive.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::ipc {

struct DaemonSettings {
    std::string net_namespace;        // a name in /run/netns; empty: the namespace in which the daemon was started
    bool has_ipvs_namespace = false;  // net_namespace_ipvs is given
    std::string ipvs_namespace;       // empty: the namespace in which the daemon was started
    std::string instance;             // the name of this daemon (keyword `instance`)
    bool use_pid_dir = false;
    std::uint32_t child_wait_seconds = 5;
    std::string process_name;      // of the supervisor; empty: the identity's
    std::int32_t umask = -1;       // -1: not given
    std::string reload_check_log;  // reload_check_config; the file to which problems are appended
    bool reload_check = false;
    std::string reload_time_file;
    bool reload_repeat = false;
    bool has_reload_file = false;
    std::string reload_file;  // empty: keepalived.reload in the run folder
    std::string config_save_dir, tmp_config_directory;
    std::string nftables_table;       // a reload cannot change it
    bool disable_local_igmp = false;  // likewise
    std::string snmp_socket;          // of the AgentX master: -A, else snmp_socket
    std::string state_dump_file;
    bool data_use_instance = false;
    // Roles (role::Kind) that keep the right to set their class and priority, and to lock their memory.
    std::vector<std::uint8_t> scheduling_roles, locking_roles;
    std::uint32_t recorder_mib = 0;  // [recorder] size of mainstay.toml; 0: no flight recorder
    bool without_spare = false;      // of vrrp: no peer notices how long another process takes to start
    bool operator==(const DaemonSettings&) const = default;
};

template <class A>
void fields(A& a, DaemonSettings& s) {
    a(s.net_namespace, s.has_ipvs_namespace, s.ipvs_namespace, s.instance, s.use_pid_dir, s.child_wait_seconds,
      s.process_name, s.umask, s.reload_check_log, s.reload_check, s.reload_time_file, s.reload_repeat,
      s.has_reload_file, s.reload_file, s.config_save_dir, s.tmp_config_directory, s.nftables_table,
      s.disable_local_igmp, s.snmp_socket, s.state_dump_file, s.data_use_instance, s.scheduling_roles, s.locking_roles,
      s.recorder_mib, s.without_spare);
}

}  // namespace mainstay::ipc
