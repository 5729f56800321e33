// Settings that several keywords make together, resolved into types.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/config/server_file.hpp"
#include "mainstay/wire/vrrp.hpp"
#include "mainstay/wire/vrrp_auth.hpp"

namespace mainstay::config {

// ---- the adverts of an instance

// How many of its addresses an advert carries over an interface with this MTU, at most wire::kVrrpMaxAddresses.
[[nodiscard]] inline std::size_t advertised_max(const Instance& instance, std::uint32_t mtu) {
    std::size_t more = instance.auth_type == AuthType::Ah ? wire::kAhLength : 0;
    if (find_section(instance.more->sections, keyword::auth_hmac) != nullptr) more += wire::kTrailerLength;
    return wire::vrrp_addresses_max(instance.version, instance.family, mtu, more);
}

// ---- active_active of a virtual server: several directors serve it at once, and each gives a flow to the same server

// All that the kernel's scheduler mh knows of a client or server: the address as one number (of IPv6 the exclusive or
// of its four words) plus the port. Servers for which it is equal claim the same slots of the table.
[[nodiscard]] std::uint32_t mh_number(const Endpoint& endpoint);

[[nodiscard]] inline bool is_active_active(const Config& config) {
    return std::ranges::any_of(config.virtual_servers, &VirtualServer::active_active);
}

// ---- announce { } of a virtual server: its addresses are announced by a routing daemon on this host while it is up

struct AnnounceSettings {
    bool any_service = false;     // of an address with several services: one that is up is enough, else all must be
    std::string interface;        // that the routing daemon watches; not empty
    std::string drain_interface;  // the same while this director drains; not empty
    Seconds lifetime{0};          // 3..3600: after it the kernel removes an address that nobody renews
    bool hold = false;            // the address has no lifetime: it stays when mainstay dies
    Seconds drain_time{0};        // 0..86400: packets are still taken after the address was withdrawn
    bool operator==(const AnnounceSettings&) const = default;
};

// None: the service has no announce block, or is a firewall mark, which has no address.
[[nodiscard]] std::optional<AnnounceSettings> announce_settings(const VirtualServer& service);
[[nodiscard]] bool announces(const VirtualServer& service);
[[nodiscard]] bool announces(const Config& config);

// ---- check_data_path of a virtual server: checks of servers with direct routing or a tunnel ask the service's address

[[nodiscard]] bool checks_data_path(const VirtualServer& service);

// The address of the service that such checks of this server ask: of the server's family; of a group its first one.
// None: they ask the server itself, because it is reached by NAT, is of another family, or the service has firewall
// marks alone.
[[nodiscard]] std::optional<IpAddress> data_path_address(const VirtualServer& service, const RealServer& server);

// ---- real_server_file, and what real_server_file and real_server_dns share: when an answer of a source counts

// An answer that breaks a rule is held: the servers before it stay.
struct DiscoveryRules {
    // Percent of the known servers that one answer may remove; one server may go in any case, unless it is 0.
    std::uint32_t max_removal = 50;
    std::uint32_t min_servers = 0;  // an answer with fewer is held; 0: any number but none
    // How long the same answer is held before it counts; 0: for ever.
    Micros hold_time{600'000'000};  // if it removes too many
    Micros hold_empty{0};           // if it is empty, or has fewer than min_servers
    Micros debounce{2'000'000};     // from the first change until it counts
    auto operator<=>(const DiscoveryRules&) const = default;
};
[[nodiscard]] DiscoveryRules discovery_rules(const RealServer& server);
// Of a source that several services have: each rule as strict as the stricter of both, the debounce the shorter one.
[[nodiscard]] DiscoveryRules strictest(const DiscoveryRules& a, const DiscoveryRules& b);

// What a server of real_server_dns or real_server_file, or its template, is made of: "real_server_file /srv/web.json
// 80". Differs for the sources of one service that differ; empty: it is written as a real_server.
[[nodiscard]] std::string source_words(const RealServer& server);
[[nodiscard]] std::string written_name(const RealServer& server);  // "10.0.0.11:80", of a template its source_words()
// Whether both stand for the same server, or for the same source, of one service.
[[nodiscard]] bool is_same_server(const RealServer& a, const RealServer& b);
// None: the server is not a real_server_file.
[[nodiscard]] std::optional<ServerFileSource> server_file_source(const VirtualServer& service,
                                                                 const RealServer& server);
// Of all virtual servers, each once.
[[nodiscard]] std::vector<ServerFileSource> server_file_sources(const Config& config);

// ---- lvs_sync_daemon: the settings of the kernel's connection synchronisation between directors

struct SyncDaemon {
    std::string interface;
    std::string instance;  // master daemon while this VRRP instance is master, else backup daemon; empty: both, always
    std::uint8_t id = 0;   // resolved: as given, else the VRID of the instance
    std::uint16_t maxlen = 0;        // bytes of a packet; 0: the kernel's choice
    std::uint16_t port = 0;          // 0: 8848
    std::uint8_t ttl = 0;            // 0: 1
    std::optional<IpAddress> group;  // none: 224.0.0.81
    bool operator==(const SyncDaemon&) const = default;
};

// From global_defs, else from the first instance's lvs_sync_daemon_interface. None also if it names an instance that
// does not exist. Works on the slice for the lvs role too, which has no instances.
[[nodiscard]] std::optional<SyncDaemon> sync_daemon(const Config& config);
// Puts the values that depend on instances into the global_defs of the slice for the lvs role.
void resolve_sync_daemon(const Config& whole, Global& part);

// ---- virtual_server_group

// Its lines, apart from unusable ones; a mark without a family has none.
[[nodiscard]] std::vector<GroupEntry> group_entries(const Section& group);

// ---- MISC_CHECK

// Marks an alpha MISC_CHECK whose script cannot be run: it stays in the model, so that its server stays down, and is
// never run. Without alpha such a check is left out.

inline void mark_unusable(Checker& checker) {
    set_value(checker.more.edit().values, keyword::misc_path_unusable, true);
}

[[nodiscard]] inline bool is_unusable(const Checker& checker) {
    return checker.type == Checker::Type::Misc && checker.alpha &&
           flag(checker.more->values, keyword::misc_path_unusable);
}

}  // namespace mainstay::config
