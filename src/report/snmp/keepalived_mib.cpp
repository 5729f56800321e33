// KEEPALIVED-MIB: the scalars, and the tables of groups, instances, addresses and trackers.
#include <algorithm>
#include <limits>
#include <set>
#include <string>

#include "keepalived_parts.hpp"
#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/net_namespace.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/filter.hpp"
#include "mainstay/vrrp/holdings.hpp"
#include "mainstay/vrrp/statics.hpp"
#include "mainstay/vrrp/trackers.hpp"
#include "report/document_queries.hpp"
#include "report/lvs_settings.hpp"
#include "table.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

using namespace snmp;
using config::value_of;

constexpr auto kGlobal = kKeepalivedMib + FixedOid{1};
constexpr auto kVrrp = kKeepalivedMib + FixedOid{2};

Oid entry(std::uint32_t table) { return kVrrp + Oid{table, 1}; }
Oid index(std::size_t first) { return {static_cast<std::uint32_t>(first + 1)}; }
Oid index(std::size_t first, std::size_t second) {
    return {static_cast<std::uint32_t>(first + 1), static_cast<std::uint32_t>(second + 1)};
}

SnmpValue on_off_unset(const std::optional<bool>& value) { return integer(!value ? 3 : *value ? 1 : 2); }

// A column and its command as text; the column is absent if the command is not configured.
struct Column {
    std::uint32_t number;
    const config::Command& command;
};
void put_commands(SnmpTable& row, std::initializer_list<Column> columns) {
    for (const auto& column : columns)
        if (!column.command.empty()) row.put(column.number, text(quoted_command(column.command)));
}
bool any_script(const config::Notifies& notify) {
    return !notify.master.empty() || !notify.backup.empty() || !notify.fault.empty() || !notify.stop.empty() ||
           !notify.any.empty();
}
config::Command command_of(const CompactOptional<config::ExtraSettings>& more,
                           const config::Keyword<config::Command>& keyword) {
    return value_of(more->values, keyword).value_or(config::Command{});
}

// ---- global ----

void add_mail(SnmpView& view, const config::Global& global) {
    const Oid mail = kGlobal + Oid{3};
    if (const auto address = IpAddress::parse(global.smtp_server)) {
        view[mail + Oid{1, 0}] = address_type(address->is_v4());
        view[mail + Oid{2, 0}] = snmp::address(*address);
    } else {
        constexpr int kUnknown = 0, kDns = 16;  // InetAddressType
        view[mail + Oid{1, 0}] = integer(global.smtp_server.empty() ? kUnknown : kDns);
        view[mail + Oid{2, 0}] = text(global.smtp_server);
    }
    const bool mails = !global.smtp_server.empty();
    view[mail + Oid{3, 0}] = gauge(mails ? static_cast<std::uint64_t>(global.smtp_connect_timeout.count()) : 0);
    if (const auto& from = global.notification_email_from; !from.address.empty())
        view[mail + Oid{4, 0}] = text(to_text(from));
    for (std::size_t i = 0; i < global.notification_email.size(); ++i)
        SnmpTable{view, mail + Oid{5, 1}, index(i)}.put(2, text(to_text(global.notification_email[i])));
    view[mail + Oid{6, 0}] = gauge(mails ? global.smtp_port : 0);
    view[mail + Oid{7, 0}] = yes_no(!global.no_email_faults);
    view[mail + Oid{8, 0}] = on_off_unset(global.smtp_alert);
    view[mail + Oid{9, 0}] = on_off_unset(global.smtp_alert_vrrp);
    view[mail + Oid{10, 0}] = on_off_unset(global.smtp_alert_checker);
}

}  // namespace

void add_global_mib(SnmpView& view, const SnmpFacts& facts) {
    const auto& global = facts.config.global;
    const auto has = [&](const CompactOptional<config::ExtraSettings>& more, const config::Keyword<bool>& keyword) {
        return config::flag(more->values, keyword);
    };
    const auto put = [&](std::uint32_t scalar, SnmpValue value) { view[kGlobal + Oid{scalar, 0}] = std::move(value); };
    put(1, text(facts.version));
    put(2, text(facts.router_id));
    add_mail(view, global);
    put(4, yes_no(has(global.more, keyword::enable_traps)));
    put(5, integer(has(facts.config.more, keyword::linkbeat_use_polling) ? 2 : 1));
    put(6, yes_no(global.lvs_flush));
    put(7, yes_no(true));  // the kernel's IPVS counters are read with 64 bits
    put(8, text(config::net_namespace_of(facts.config, facts.net_namespace)));
    put(9, yes_no(has(global.more, keyword::enable_dbus)));
    put(10, yes_no(global.dynamic_interfaces));
    using Flush = config::Global::FlushOnStop;
    put(11, integer(global.lvs_flush_on_stop == Flush::All ? 1 : global.lvs_flush_on_stop == Flush::No ? 2 : 3));
}

namespace {

// ---- what instances and groups track ----

struct TrackTables {
    std::uint32_t interfaces, scripts, files, bfds, processes;
};
constexpr TrackTables kOfInstance{4, 5, 12, 17, 20}, kOfGroup{14, 15, 16, 19, 22};

void add_tracked(SnmpView& view, const SnmpFacts& facts, const TrackTables& tables, std::size_t owner,
                 const auto& tracker, Tracks whose) {
    for (const auto& tracked : tracker.track_interfaces) {
        const auto& link = link_of(facts, tracked.name);
        SnmpTable row{view, entry(tables.interfaces), {static_cast<std::uint32_t>(owner + 1), link.index}};
        row.put(1, text(tracked.name));
        row.put(2, integer(tracked.weight));
        row.put(3, yes_no(tracked.reverse));
    }
    const auto put = [&](std::uint32_t table, std::size_t at, const std::string& name, int weight, bool reverse) {
        SnmpTable row{view, entry(table), index(owner, at)};
        row.put(2, text(name));
        row.put(3, integer(weight));
        row.put(4, yes_no(reverse));
    };
    std::size_t at = 0;
    for (const auto& tracked : tracker.track_scripts)
        put(tables.scripts, at++, tracked.name, tracked.weight, tracked.reverse);
    for (const auto& [table, uses] :
         {std::pair{tables.files, tracked_of(facts.config, tracker.more, keyword::track_file, whose)},
          std::pair{tables.bfds, tracked_of(facts.config, tracker.more, keyword::track_bfd, whose)},
          std::pair{tables.processes, tracked_of(facts.config, tracker.more, keyword::track_process, whose)}}) {
        at = 0;
        for (const auto& use : uses) put(table, at++, use.name, use.weight, use.reverse);
    }
}

// ---- groups ----

void add_groups(SnmpView& view, const SnmpFacts& facts) {
    for (std::size_t i = 0; i < facts.config.sync_groups.size(); ++i) {
        const auto& group = facts.config.sync_groups[i];
        SnmpTable row{view, entry(1), index(i)};
        row.put(2, text(group.name));
        const auto* now = find_group(facts.status, group.name);
        row.put(3, integer(state_number(now != nullptr ? now->state : vrrp::State::Init)));
        row.put(4, yes_no(group.smtp_alert));
        row.put(5, yes_no(any_script(group.notify)));
        put_commands(row, {{6, group.notify.master},
                           {7, group.notify.backup},
                           {8, group.notify.fault},
                           {9, group.notify.any},
                           {11, group.notify.stop}});
        const auto& values = group.more->values;
        row.put(10, yes_no(config::flag(values, keyword::sync_group_tracking_weight) ||
                           config::flag(values, keyword::global_tracking)));
        for (std::size_t m = 0; m < group.members.size(); ++m)
            SnmpTable{view, entry(2), index(i, m)}.put(2, text(group.members[m]));
        add_tracked(view, facts, kOfGroup, i, group, {});
    }
}

// ---- instances ----

void add_settings(SnmpTable& row, const SnmpFacts& facts, const config::Instance& i) {
    const auto flag = [&](const config::Keyword<bool>& keyword) { return config::flag(i.more->values, keyword); };
    const auto vmac = vrrp::own_vmac(i);
    row.put(10, text(vmac.empty() ? std::string_view{i.interface} : vmac));
    // keepalived: whether it tracks an interface other than its own.
    row.put(11, yes_no(std::ranges::any_of(i.track_interfaces,
                                           [&](const auto& t) { return t.name != vrrp::base_interface(i); })));
    // VRRP version 2 counts in seconds, version 3 in hundredths.
    row.put(12, gauge(static_cast<std::uint64_t>(i.advert_int.count()) / (i.version == 3 ? 10'000 : 1'000'000)));
    row.put(13, yes_no(!i.nopreempt));
    row.put(14, gauge(whole_seconds(i.preempt_delay)));
    row.put(15, integer(static_cast<int>(i.auth_type)));
    const auto sync = config::sync_daemon(facts.config);
    const bool follows = sync && sync->instance == i.name;
    row.put(16, yes_no(follows));
    if (follows) row.put(17, text(sync->interface));
    if (!i.sync_group.empty()) row.put(18, text(i.sync_group));
    row.put(19, gauge(whole_seconds(i.garp_master_delay)));
    row.put(20, yes_no(i.smtp_alert));
    const auto lower = command_of(i.more, keyword::notify_master_rx_lower_pri),
               gone = command_of(i.more, keyword::notify_deleted);
    row.put(21, yes_no(any_script(i.notify) || !lower.empty() || !gone.empty()));
    put_commands(row, {{22, i.notify.master},
                       {23, i.notify.backup},
                       {24, i.notify.fault},
                       {25, i.notify.stop},
                       {26, i.notify.any},
                       {31, lower},
                       {32, gone}});
    // VRRP has accept mode since version 3.
    row.put(27, i.version == 3 ? yes_no(!vrrp::refuses_packets(i)) : integer(0));
    row.put(28, yes_no(flag(keyword::promote_secondaries)));
    row.put(29, yes_no(flag(keyword::linkbeat_use_polling)));
    row.put(30, integer(i.version));
    row.put(33, yes_no(config::is_given(i.more->values, keyword::notify_deleted)));
    if (!i.unicast_peers.empty()) return;
    const bool v4 = i.family != Family::V6;
    const auto group = i.multicast_group ? *i.multicast_group : *IpAddress::parse(v4 ? "224.0.0.18" : "ff02::12");
    row.put(34, address_type(v4));
    row.put(35, snmp::address(group));
}

void add_address(SnmpTable& row, const SnmpFacts& facts, const config::VirtualAddress& address,
                 const std::string& interface, bool advertised) {
    const auto& link = link_of(facts, interface);
    const bool v4 = address.prefix.address.is_v4();
    row.put(2, address_type(v4));
    row.put(3, snmp::address(address.prefix.address));
    if (v4) row.put(4, snmp::address(vrrp::broadcast_of(address).value_or(IpAddress::v4(0))));
    row.put(5, gauge(address.prefix.length));
    row.put(6, integer(scope_number(address.scope)));
    row.put(7, integer(link.index));
    row.put(8, text(interface));
    if (!address.label.empty()) row.put(9, text(address.label));
    row.put(10, yes_no(std::ranges::find(link.addresses, address.prefix.address) != link.addresses.end()));
    row.put(11, yes_no(advertised));
    if (const auto peer = value_of(address.more->values, keyword::peer)) row.put(12, snmp::address(*peer));
}

void add_addresses(SnmpView& view, const SnmpFacts& facts, std::size_t at, const config::Instance& instance) {
    std::size_t n = 0;
    for (const auto& vip : config::all_addresses(instance)) {
        const bool advertised = n < instance.addresses.size();
        SnmpTable row{view, entry(6), index(at, n++)};
        add_address(row, facts, vip, config::device_of(vip, instance), advertised);
    }
}

// keepalived: as those of an instance 0.
void add_static_addresses(SnmpView& view, const SnmpFacts& facts) {
    std::uint32_t n = 0;
    for (const auto& entry_of : vrrp::static_addresses_of(facts.config)) {
        SnmpTable row{view, entry(6), {0, ++n}};
        add_address(row, facts, entry_of.address, entry_of.address.dev, false);
    }
}

void add_instances(SnmpView& view, const SnmpFacts& facts) {
    for (std::size_t at = 0; at < facts.config.instances.size(); ++at) {
        const auto& instance = facts.config.instances[at];
        SnmpTable row{view, entry(3), index(at)};
        const auto* now = find_instance(facts.status, instance.name);
        const auto state = state_number(now != nullptr ? now->state : vrrp::State::Init);
        row.put(2, text(instance.name));
        row.put(3, gauge(instance.virtual_router_id));
        row.put(4, integer(state));
        row.put(5, integer(initial_state(instance)));
        row.put(6, integer(state));
        row.put(7, integer(base_priority(now, instance)));
        row.put(8, integer(now != nullptr ? now->effective_priority : instance.priority));
        row.put(9, yes_no(now != nullptr && holds_addresses(*now)));
        add_settings(row, facts, instance);
        add_tracked(view, facts, kOfInstance, at, instance, tracks_of(facts.config, instance));
        add_addresses(view, facts, at, instance);
    }
}

// ---- trackers ----

// keepalived: one that nobody tracks is none. An address owner tracks none with a weight, nor do some members of
// groups.
bool is_in_use(const config::Config& config, const config::TrackScript& script) {
    const auto tracks = [&](const auto& tracker) {
        return std::ranges::any_of(tracker.track_scripts, [&](const auto& use) { return use.name == script.name; });
    };
    return std::ranges::any_of(config.instances, tracks) || std::ranges::any_of(config.sync_groups, tracks);
}

void add_scripts(SnmpView& view, const SnmpFacts& facts) {
    std::size_t at = 0;
    for (const auto& script : facts.config.scripts) {
        if (!is_in_use(facts.config, script)) continue;
        SnmpTable row{view, entry(9), index(at++)};
        row.put(2, text(script.name));
        row.put(3, text(quoted_command(script.command)));
        row.put(4, integer(script.interval.count() / 1'000'000));
        row.put(5, integer(script.weight));
        constexpr int kInit = 1, kBad = 2, kGood = 3, kInitFailed = 5;
        const auto* now = find_script(facts.status, script.name);
        const auto state = now != nullptr ? up_state(*now) : UpState::Unknown;
        row.put(6, integer(state == UpState::Up     ? kGood
                           : state == UpState::Down ? kBad
                           : script.init_fail       ? kInitFailed
                                                    : kInit));
        row.put(7, gauge(script.rise));
        row.put(8, gauge(script.fall));
        row.put(9, yes_no(script.reverse));
    }
}

// The same for files.
std::set<std::string> files_in_use(const config::Config& config) {
    std::set<std::string> names;
    const auto add = [&](const auto& tracker, Tracks whose) {
        for (auto& use : tracked_of(config, tracker.more, keyword::track_file, whose))
            names.insert(std::move(use.name));
    };
    for (const auto& instance : config.instances) add(instance, tracks_of(config, instance));
    for (const auto& group : config.sync_groups) add(group, {});
    return names;
}

void add_files(SnmpView& view, const SnmpFacts& facts) {
    std::size_t at = 0;
    const auto used = files_in_use(facts.config);
    for (const auto& file : vrrp::file_trackers(facts.config)) {
        if (!used.contains(file.name)) continue;
        SnmpTable row{view, entry(13), index(at++)};
        const auto* now = find_tracker(facts.status, vrrp::TrackerSnapshot::Kind::File, file.name);
        row.put(2, text(file.name));
        row.put(3, text(file.path));
        row.put(4, integer(now != nullptr ? now->value : 0));
        row.put(5, integer(file.weight));
        row.put(6, yes_no(file.reverse));
    }
}

void add_processes(SnmpView& view, const SnmpFacts& facts) {
    std::size_t at = 0;
    for (const auto& process : vrrp::process_trackers(facts.config)) {
        SnmpTable row{view, entry(21), index(at++)};
        const auto* now = find_tracker(facts.status, vrrp::TrackerSnapshot::Kind::Process, process.name);
        using Params = vrrp::ProcessTracker::Params;
        const int match = process.params == Params::Exact     ? 1
                          : process.params == Params::Partial ? 2
                          : process.params == Params::Initial ? 3
                                                              : 0;
        row.put(2, text(process.name));
        row.put(3, text(process.command.front()));
        row.put(4, text(parameters_text(process)));
        row.put(5, integer(match));
        row.put(6, integer(process.weight));
        row.put(7, yes_no(process.reverse));
        row.put(8, gauge(process.quorum));
        row.put(9, integer(static_cast<std::int32_t>(process.quorum_max)));  // no upper bound: -1
        row.put(10, gauge(microseconds(process.fork_delay)));
        row.put(11, gauge(microseconds(process.terminate_delay)));
        row.put(12, yes_no(process.full_command));
        row.put(13, integer(now != nullptr ? now->value : 0));
        row.put(14, yes_no(now != nullptr && now->up));
    }
}

void add_bfds(SnmpView& view, const SnmpFacts& facts) {
    std::size_t at = 0;
    for (const auto& section : facts.config.more->sections) {
        if (section.keyword != keyword::bfd_instance || section.names.empty() || !is_for_vrrp(section)) continue;
        SnmpTable row{view, entry(18), index(at++)};
        const auto* now = find_bfd(facts.status, section.names.front());
        row.put(2, text(section.names.front()));
        row.put(3, integer(now != nullptr && now->up ? 1 : 0));
        row.put(4, integer(value_of(section.values, keyword::weight).value_or(0)));
        row.put(5, yes_no(config::has_word(section.values, keyword::weight, "reverse")));
    }
}

}  // namespace

void add_keepalived_mib(SnmpView& view, const SnmpFacts& facts) {
    add_groups(view, facts);
    add_static_addresses(view, facts);
    add_instances(view, facts);
    add_scripts(view, facts);
    add_files(view, facts);
    add_processes(view, facts);
    add_bfds(view, facts);
}

}  // namespace mainstay::report
