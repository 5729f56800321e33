// Setters that are more than one assignment, and helpers for the tables of rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "config/schema/parse_context.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::config {

inline constexpr std::int64_t kDefaultPersistence = 360;  // seconds, of a bare persistence_timeout
inline constexpr std::int64_t kMostInterfaceName = 15;    // IFNAMSIZ - 1
inline constexpr std::int64_t kMostEngineName = 15;       // IP_VS_PENAME_MAXLEN - 1
// What the rows of a source of servers have as their `home`.
inline constexpr std::string_view kOfDns = "real_server_dns", kOfFiles = "real_server_file",
                                  kOfBoth = "real_server_dns and real_server_file";
inline constexpr std::string_view kSchedulers = "rr|wrr|lc|wlc|lblc|sh|mh|dh|fo|ovf|lblcr|sed|nq|twos";

[[nodiscard]] inline std::uint8_t u8(const Value& v) { return static_cast<std::uint8_t>(v.number); }
[[nodiscard]] inline std::uint16_t u16(const Value& v) { return static_cast<std::uint16_t>(v.number); }
[[nodiscard]] inline std::uint32_t u32(const Value& v) { return static_cast<std::uint32_t>(v.number); }
// keepalived: 0 becomes 1, with a message.
[[nodiscard]] std::uint32_t at_least_one(ParseContext& r, const Value& v);

// ---- setters_global.cpp
void set_smtp_server(ParseContext& r, const Value& v);
void add_mail_recipients(ParseContext& r, const Value& v);
void set_mail_sender(ParseContext& r, const Value& v);
void set_smtp_timeout(ParseContext& r, const Value& v);
void set_flush_on_stop(ParseContext& r, const Value& v);
void set_sync_daemon(ParseContext& r, const Value& v);
void set_multicast_group(ParseContext& r, const Value& v);
// ff02:: and its like, whatever their flags.
[[nodiscard]] bool is_link_local_group(const IpAddress& address);
inline constexpr std::int64_t kLeastRtPriority = 1, kMostRtPriority = 99;  // of SCHED_RR
void check_rt_priority(ParseContext& r, const Value& v);
void set_rt_priority(ParseContext& r, const Value& v);
void set_script_user(ParseContext& r, const Value& v);
void note_process_script(ParseContext& r, const Value& v);
void begin_script(ParseContext& r, const Value& v);
void set_script_interval(ParseContext& r, const Value& v);
void set_script_timeout(ParseContext& r, const Value& v);
void set_script_weight(ParseContext& r, const Value& v);
void set_account(ParseContext& r, const Value& v);
void set_notify(ParseContext& r, const Value& v);
void note_rarer_notify(ParseContext& r, const Value& v);

// ---- setters_vrrp.cpp
void begin_group(ParseContext& r, const Value& v);
void begin_members(ParseContext& r, const Value& v);
void begin_track_group(ParseContext& r, const Value& v);
void add_member(ParseContext& r, const Value& v);
void begin_instance(ParseContext& r, const Value& v);
void set_state(ParseContext& r, const Value& v);
void set_interface(ParseContext& r, const Value& v);
void set_version(ParseContext& r, const Value& v);
void set_auth_type(ParseContext& r, const Value& v);
void set_auth_pass(ParseContext& r, const Value& v);
void add_virtual_address(ParseContext& r, const Value& v);
void add_excluded_address(ParseContext& r, const Value& v);
void add_unicast_peer(ParseContext& r, const Value& v);
void set_source(ParseContext& r, const Value& v);
void note_unicast(ParseContext& r, const Value& v);
void set_multicast_destination(ParseContext& r, const Value& v);
void set_native_ipv6(ParseContext& r, const Value& v);
void set_accept(ParseContext& r, const Value& v);  // and no_accept
void add_tracked_interface(ParseContext& r, const Value& v);
void add_tracked_script(ParseContext& r, const Value& v);
void begin_tracked(ParseContext& r, const Value& v);  // track_file, vrrp_track_process
void begin_bfd(ParseContext& r, const Value& v);
// A second block of the same name.
void refuse_known_name(ParseContext& r, const Value& v);
void check_tracker(ParseContext& r, const Value& v);  // a line of track_file, track_process, track_bfd
void check_group_line(ParseContext& r, const Value& v);
void check_followed(ParseContext& r, const Value& v);  // of FILE_CHECK and BFD_CHECK
void check_dns_name(ParseContext& r, const Value& v);
void set_vmac(ParseContext& r, const Value& v);
void add_route(ParseContext& r, const Value& v);
void check_route(ParseContext& r, const Value& v);
void check_rule(ParseContext& r, const Value& v);

// ---- setters_lvs.cpp
void begin_service(ParseContext& r, const Value& v);
void begin_announce(ParseContext& r, const Value& v);
void begin_server(ParseContext& r, const Value& v);
void begin_checker(ParseContext& r, const Value& v);
void set_scheduler(ParseContext& r, const Value& v);
void set_scheduler_flag(ParseContext& r, const Value& v);
void set_hashed(ParseContext& r, const Value& v);
void set_ha_suspend(ParseContext& r, const Value& v);
void set_forwarding(ParseContext& r, const Value& v);
void set_server_forwarding(ParseContext& r, const Value& v);
void set_sorry_server(ParseContext& r, const Value& v);
void set_sorry_inhibit(ParseContext& r, const Value& v);
void set_sorry_forwarding(ParseContext& r, const Value& v);
void set_protocol(ParseContext& r, const Value& v);
void set_family(ParseContext& r, const Value& v);
void set_granularity(ParseContext& r, const Value& v);
void set_quorum(ParseContext& r, const Value& v);
void set_digest(ParseContext& r, const Value& v);
void add_status_codes(ParseContext& r, const Value& v);
// The word, as it stands; one that servers refuse as a host is warned of.
[[nodiscard]] std::string_view host_name(ParseContext& r, const Value& v);
void set_path(ParseContext& r, const Value& v);  // of a url

// ---- the tables
// A row: where the keyword is allowed, its name, its argument, then for people the form of the argument, the default
// and what it does; `rest` has whatever else is to be said.
consteval KeywordSpec row(BlockSet blocks, std::string_view name, Args args, std::string_view form,
                          std::string_view default_text, std::string_view help, KeywordSpec rest = {}) {
    rest.blocks = blocks, rest.name = name, rest.args = args;
    rest.form = form, rest.default_text = default_text, rest.help = help;
    return rest;
}

// Whether a value of such an argument is stored as T.
template <class T>
consteval bool stores(const Args& args) {
    const auto takes = [&](auto... any) { return ((args.takes == any) || ...); };
    if constexpr (std::is_same_v<T, bool>)
        return takes(Takes::Flag, Takes::Bool);
    else if constexpr (std::is_same_v<T, std::int64_t>)
        return takes(Takes::Integer);
    else if constexpr (std::is_same_v<T, Micros>)
        return takes(Takes::Seconds, Takes::WholeSeconds, Takes::Millis, Takes::Duration);
    else if constexpr (std::is_same_v<T, IpAddress>)
        return takes(Takes::Address, Takes::AddressRange);
    else if constexpr (std::is_same_v<T, Prefix>)
        return takes(Takes::Prefix);
    else if constexpr (std::is_same_v<T, Command>)
        return takes(Takes::Command);
    else if constexpr (std::is_same_v<T, IntegerList>)
        return takes(Takes::NumberList);
    else if constexpr (std::is_same_v<T, WordList>)
        return takes(Takes::Word, Takes::OneOf);
    else
        return takes(Takes::Opens, Takes::Entries, Takes::Items, Takes::Line);
}

// The row of a keyword whose stored value code reads.
template <class T>
consteval KeywordSpec row(BlockSet blocks, const Keyword<T>& keyword, Args args, std::string_view form,
                          std::string_view default_text, std::string_view help, KeywordSpec rest = {}) {
    if (!stores<T>(args)) throw "keywords.hpp gives this keyword another type";
    rest.from_store = true;
    return row(blocks, keyword.text, args, form, default_text, help, rest);
}

// Whether the text, as "10" or "0 (off)", is this default.
template <class T>
consteval bool says(std::string_view text, const Args& args, const T& otherwise) {
    if constexpr (std::is_same_v<T, std::string_view>) {
        return text == otherwise;
    } else {
        const bool negative = text.starts_with('-');
        if (negative) text.remove_prefix(1);
        if (text.empty() || !is_digit(text.front())) return false;
        std::int64_t number = 0;
        const std::int64_t base = text.front() == '0' ? 8 : 10;
        for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) number = number * base + (text[0] - '0');
        if (!text.empty() && !text.starts_with(" (")) return false;
        if (negative) number = -number;
        if constexpr (std::is_same_v<T, Micros>)
            return otherwise == Micros{number * (args.takes == Takes::Millis ? 1'000 : 1'000'000)};
        else
            return otherwise == number;
    }
}

// The row of a keyword whose default code reads, too.
template <class T>
consteval KeywordSpec row(BlockSet blocks, const DefaultedKeyword<T>& keyword, Args args, std::string_view form,
                          std::string_view default_text, std::string_view help, KeywordSpec rest = {}) {
    if (!says(default_text, args, keyword.otherwise)) throw "keywords.hpp gives this keyword another default";
    return row(blocks, static_cast<const Keyword<T>&>(keyword), args, form, default_text, help, rest);
}

std::span<const KeywordSpec> language_rows();
std::span<const KeywordSpec> root_rows();
std::span<const KeywordSpec> global_rows();
std::span<const KeywordSpec> process_rows();
std::span<const KeywordSpec> instance_rows();
std::span<const KeywordSpec> address_rows();
std::span<const KeywordSpec> route_rows();
std::span<const KeywordSpec> rule_rows();
std::span<const KeywordSpec> line_rows();
std::span<const KeywordSpec> tracking_rows();
std::span<const KeywordSpec> service_rows();
std::span<const KeywordSpec> real_server_rows();
std::span<const KeywordSpec> authentication_rows();
std::span<const KeywordSpec> announce_rows();
std::span<const KeywordSpec> discovery_rows();
std::span<const KeywordSpec> checker_rows();
std::span<const KeywordSpec> web_checker_rows();

// Words and bounds that the rows of several files have.

inline constexpr std::string_view kAnywhere = "default|any|all";  // instead of a prefix
inline constexpr std::string_view kTableWords = "main|local|default";
inline constexpr std::string_view kScopeWords = "site|link|host|nowhere|global";
inline constexpr std::int64_t kMostRealm = 65535;
inline constexpr std::int64_t kMostCpu = 1023;  // CPU_SETSIZE - 1

// real_server_dns and real_server_file, while they are read: a real server without an address.

// Why this cannot be asked for; empty: it can.
[[nodiscard]] std::string_view dns_name_problem(std::string_view name);
void begin_named_servers(ParseContext& r, const Value& v);
void begin_file_servers(ParseContext& r, const Value& v);
[[nodiscard]] bool is_srv(const RealServer& server);
[[nodiscard]] bool is_file(const RealServer& server);
// Tells of keywords of sources in a server that is none, or another kind of source. `name` is the server's, for people.
void report_other_sources(Diagnoser& diag, const ServerDraft& server, const std::string& name);
// The port is that of each server of the answer, where it may differ from the service's.
[[nodiscard]] bool answer_has_port(const ServerDraft& server);
// Of the addresses that are asked for.
[[nodiscard]] Family named_family(const RealServer& server, Family of_service);
// Why it cannot be used; empty: it can.
[[nodiscard]] std::string_view named_problem(const RealServer& server, Family of_service);

}  // namespace mainstay::config
