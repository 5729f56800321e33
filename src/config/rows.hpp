// What the tables of rows (schema_*.cpp) are made of: the setters that are more than one assignment, and small helpers.
#pragma once

#include <algorithm>

#include "reading.hpp"

namespace mainstay::config {

inline constexpr std::int64_t kDefaultPersistence = 360;  // seconds, of a bare persistence_timeout
inline constexpr std::int64_t kMostInterfaceName = 15;    // IFNAMSIZ - 1
inline constexpr std::int64_t kMostEngineName = 15;       // IP_VS_PENAME_MAXLEN - 1
inline constexpr std::string_view kSchedulers = "rr|wrr|lc|wlc|lblc|sh|mh|dh|fo|ovf|lblcr|sed|nq|twos";

[[nodiscard]] inline std::uint8_t u8(const Value& v) { return static_cast<std::uint8_t>(v.number); }
[[nodiscard]] inline std::uint16_t u16(const Value& v) { return static_cast<std::uint16_t>(v.number); }
[[nodiscard]] inline std::uint32_t u32(const Value& v) { return static_cast<std::uint32_t>(v.number); }
// keepalived: 0 becomes 1, with a message.
[[nodiscard]] std::uint32_t at_least_one(Reading& r, const Value& v);

// ---- setters_global.cpp
void set_smtp_server(Reading& r, const Value& v);
void set_smtp_timeout(Reading& r, const Value& v);
void set_flush_on_stop(Reading& r, const Value& v);
void set_sync_daemon(Reading& r, const Value& v);
void set_multicast_group(Reading& r, const Value& v);
void set_rt_priority(Reading& r, const Value& v);
void set_script_user(Reading& r, const Value& v);
void begin_script(Reading& r, const Value& v);
void set_script_interval(Reading& r, const Value& v);
void set_script_timeout(Reading& r, const Value& v);
void set_script_weight(Reading& r, const Value& v);
void set_account(Reading& r, const Value& v);
void set_notify(Reading& r, const Value& v);

// ---- setters_vrrp.cpp
void begin_group(Reading& r, const Value& v);
void add_member(Reading& r, const Value& v);
void begin_instance(Reading& r, const Value& v);
void set_state(Reading& r, const Value& v);
void set_interface(Reading& r, const Value& v);
void set_version(Reading& r, const Value& v);
void set_auth_type(Reading& r, const Value& v);
void set_auth_pass(Reading& r, const Value& v);
void add_virtual_address(Reading& r, const Value& v);
void add_excluded_address(Reading& r, const Value& v);
void add_unicast_peer(Reading& r, const Value& v);
void set_source(Reading& r, const Value& v);
void note_unicast(Reading& r, const Value& v);
void set_multicast_destination(Reading& r, const Value& v);
void add_tracked_interface(Reading& r, const Value& v);
void add_tracked_script(Reading& r, const Value& v);
void begin_tracked(Reading& r, const Value& v);   // track_file, vrrp_track_process, bfd_instance
void check_tracker(Reading& r, const Value& v);   // a line of track_file, track_process, track_bfd
void check_followed(Reading& r, const Value& v);  // of FILE_CHECK and BFD_CHECK
void check_dns_name(Reading& r, const Value& v);
void set_vmac(Reading& r, const Value& v);
void add_route(Reading& r, const Value& v);
void check_route(Reading& r, const Value& v);
void check_rule(Reading& r, const Value& v);

// ---- setters_lvs.cpp
void begin_service(Reading& r, const Value& v);
void begin_server(Reading& r, const Value& v);
void begin_checker(Reading& r, const Value& v);
void set_scheduler(Reading& r, const Value& v);
void set_scheduler_flag(Reading& r, const Value& v);
void set_hashed(Reading& r, const Value& v);
void set_ha_suspend(Reading& r, const Value& v);
void set_forwarding(Reading& r, const Value& v);
void set_server_forwarding(Reading& r, const Value& v);
void set_sorry_server(Reading& r, const Value& v);
void set_sorry_inhibit(Reading& r, const Value& v);
void set_sorry_forwarding(Reading& r, const Value& v);
void set_protocol(Reading& r, const Value& v);
void set_family(Reading& r, const Value& v);
void set_granularity(Reading& r, const Value& v);
void set_quorum(Reading& r, const Value& v);
void set_digest(Reading& r, const Value& v);
void add_status_codes(Reading& r, const Value& v);

// ---- the tables
std::span<const Row> language_rows();
std::span<const Row> root_rows();
std::span<const Row> global_rows();
std::span<const Row> process_rows();
std::span<const Row> instance_rows();
std::span<const Row> address_rows();
std::span<const Row> route_rows();
std::span<const Row> rule_rows();
std::span<const Row> line_rows();
std::span<const Row> tracking_rows();
std::span<const Row> service_rows();
std::span<const Row> real_server_rows();
std::span<const Row> authentication_rows();
std::span<const Row> checker_rows();
std::span<const Row> web_checker_rows();

}  // namespace mainstay::config
