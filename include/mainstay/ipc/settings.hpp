// The settings of the daemon, the API, mails and webhooks, as the reader passes them on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/framed_archive.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::ipc {

// The settings of the API in mainstay.toml, [api]: the reader reads them, the supervisor opens the files that they
// name, the observer listens.
struct ApiSettings {
    std::vector<std::string> listen;                                   // addresses with ports
    std::string tls_certificate, tls_key, tls_client_ca, credentials;  // files; empty: none
    bool operate = false;                                              // whether the API may change something at all
    std::string peer;                                                  // URL of the other director's API; empty: none
    std::string peer_token, peer_ca;                                   // files; empty: none
    bool operator==(const ApiSettings&) const = default;
};

template <class A>
void fields(A& a, ApiSettings& s) {
    a(s.listen, s.tls_certificate, s.tls_key, s.tls_client_ca, s.credentials, s.operate, s.peer, s.peer_token,
      s.peer_ca);
}

// The settings of a configuration that the supervisor itself uses. The reader extracts them, because the supervisor
// parses no configuration.
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

// Where mails go, from mainstay.toml: the reader reads it, the observer delivers. Holds a password.
struct MailRelay {
    std::string host;
    std::uint16_t port = 25;
    std::uint8_t tls = 0;  // config::MailRelay::Tls
    bool operator==(const MailRelay&) const = default;
};
struct MailSettings {
    std::vector<MailRelay> relays;  // in the order of preference; empty: the configuration's smtp_server
    std::string ca_file;            // empty: the system's authorities
    std::string user, password;     // for relays with TLS; no user: no AUTH
    bool operator==(const MailSettings&) const = default;
};

template <class A>
void fields(A& a, MailRelay& m) {
    a(m.host, m.port, m.tls);
}
template <class A>
void fields(A& a, MailSettings& m) {
    a(m.relays, m.ca_file, m.user, m.password);
}

// Where events are posted, from mainstay.toml: the reader reads it, the observer posts. Holds secrets.
struct Webhook {
    std::string name, url, ca_file;
    bool cloud_events = false;  // else Alertmanager's body
    std::uint8_t kinds = 0;     // bit k: events of Event::Kind k; 0: of all
    std::uint32_t keep_seconds = 259200;
    std::vector<std::string> headers;
    std::string problem;  // not empty: why nothing may be sent; events wait
    bool operator==(const Webhook&) const = default;
};
struct WebhookSettings {
    std::vector<Webhook> webhooks;
    bool operator==(const WebhookSettings&) const = default;
};

template <class A>
void fields(A& a, Webhook& w) {
    a(w.name, w.url, w.ca_file, w.cloud_events, w.kinds, w.keep_seconds, w.headers, w.problem);
}
template <class A>
void fields(A& a, WebhookSettings& s) {
    a(s.webhooks);
}

}  // namespace mainstay::ipc
