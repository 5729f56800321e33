#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>

#include "config_text.hpp"
#include "document_queries.hpp"
#include "mainstay/config/schema/keyword_values.hpp"
#include "mainstay/report/dumps.hpp"
#include "mainstay/vrrp/filter.hpp"
#include "mainstay/vrrp/trackers.hpp"

namespace mainstay::report {

namespace {

constexpr std::string_view kUnknownTime = "(unknown)";

std::string section(std::string_view name) { return fmt::format("------< {} >------\n", name); }

const char* yes(bool on) { return on ? "true" : "false"; }

std::string value_text(const config::KeywordData& data) {
    return std::visit(
        []<class T>(const T& value) -> std::string {
            if constexpr (std::is_same_v<T, bool>)
                return yes(value);
            else if constexpr (std::is_same_v<T, std::int64_t>)
                return std::to_string(value);
            else if constexpr (std::is_same_v<T, Micros>)
                return fmt::format("{}.{:06}", value.count() / 1'000'000, value.count() % 1'000'000);
            else if constexpr (std::is_same_v<T, config::Command>)
                return quoted_command(value);
            else if constexpr (std::is_same_v<T, config::WordList> || std::is_same_v<T, config::IntegerList>)
                return fmt::format("{}", fmt::join(value, " "));
            else
                return value.to_string();
        },
        data);
}

std::string global_definitions(const config::Global& global) {
    std::string out = section("Global definitions");
    const auto line = [&](const char* name, const auto& value) { out += fmt::format(" {} = {}\n", name, value); };
    if (!global.router_id.empty()) line("Router ID", global.router_id);
    if (!global.smtp_server.empty()) {
        line("Smtp server", global.smtp_server);
        line("Smtp server port", global.smtp_port);
        line("Smtp server connection timeout", global.smtp_connect_timeout.count());
    }
    if (!global.notification_email_from.empty()) line("Email notification from", global.notification_email_from);
    for (const auto& address : global.notification_email) line("Email notification", address);
    line("Dynamic interfaces", yes(global.dynamic_interfaces));
    line("Default interface", global.default_interface);
    line("Gratuitous ARP delay", global.vrrp_garp_master_delay.count() / 1'000'000);
    line("Gratuitous ARP repeat", global.vrrp_garp_master_repeat);
    line("Gratuitous ARP refresh timer", global.vrrp_garp_master_refresh.count() / 1'000'000);
    line("Gratuitous ARP refresh repeat", global.vrrp_garp_master_refresh_repeat);
    line("Num adverts before down", global.vrrp_down_timer_adverts);
    line("Send advert after receive lower priority advert", yes(!global.vrrp_lower_prio_no_advert));
    line("Send advert after receive higher priority advert", yes(global.vrrp_higher_prio_send_advert));
    line("VRRP default protocol version", static_cast<int>(global.vrrp_version));
    line("VRRP skip check advert addresses", yes(global.vrrp_skip_check_adv_addr));
    line("VRRP strict mode", yes(global.vrrp_strict));
    line("LVS flush", yes(global.lvs_flush));
    out += fmt::format(" Script security {}\n", global.enable_script_security ? "enabled" : "disabled");
    // Everything else that is set, under its keyword.
    for (const auto& value : global.more->values) line(value.keyword.c_str(), value_text(value.data));
    return out;
}

std::string lines_of(std::string_view title, const std::vector<config::Section>& sections, const char* keyword,
                     config::Block block) {
    const auto* lines = config::find_section(sections, keyword);
    if (lines == nullptr || lines->sections.empty()) return {};
    std::string out{title};
    for (const auto& line : lines->sections) out += fmt::format("     {}\n", line_text(line, block));
    return out;
}

std::string time_text(WallTime at) {
    const std::time_t seconds = static_cast<std::time_t>(at.unix_us / 1'000'000);
    std::tm parts{};
    std::string stamp(40, '\0');
    if (::localtime_r(&seconds, &parts) == nullptr) return std::string{kUnknownTime};
    stamp.resize(std::strftime(stamp.data(), stamp.size(), "%a %b %e %H:%M:%S", &parts));
    const auto micros = at.unix_us % 1'000'000;
    return fmt::format("{}.{:06} ({}.{:06} {})", seconds, micros, stamp, micros, parts.tm_year + 1900);
}

void put_addresses(std::string& out, const config::Instance& instance, bool set) {
    if (!instance.addresses.empty()) out += fmt::format("   Virtual IP ({}):\n", instance.addresses.size());
    for (const auto& address : instance.addresses) out += "     " + address_text(address, instance, set) + "\n";
    if (!instance.excluded_addresses.empty()) out += "   Virtual IP Excluded :\n";
    for (const auto& address : instance.excluded_addresses)
        out += "     " + address_text(address, instance, set) + "\n";
    if (!instance.routes.empty()) out += "   Virtual Routes :\n";
    for (const auto& route : instance.routes) out += fmt::format("     {}\n", fmt::join(route.words, " "));
    out += lines_of("   Virtual Rules :\n", instance.more->sections, "virtual_rules", config::Block::VirtualRules);
}

void put_notifies(std::string& out, const config::Notifies& notify) {
    const auto line = [&](const char* name, const config::Command& command) {
        if (!command.empty()) out += fmt::format("   {} state transition script = {}\n", name, quoted_command(command));
    };
    line("Backup", *notify.backup);
    line("Master", *notify.master);
    line("Fault", *notify.fault);
    line("Stop", *notify.stop);
    line("Generic", *notify.any);
}

void put_instance(std::string& out, const config::Instance& instance, const vrrp::InstanceSnapshot& now) {
    const auto line = [&](const char* name, const auto& value) { out += fmt::format("   {} = {}\n", name, value); };
    const auto onoff = [](bool on) { return on ? "enabled" : "disabled"; };
    out += fmt::format(" VRRP Instance = {}\n", instance.name);
    line("VRRP Version", static_cast<int>(instance.version));
    if (!instance.sync_group.empty()) line("Sync group", instance.sync_group);
    line("State", to_string(now.state));
    if (now.state == vrrp::State::Backup && !now.master.empty()) {
        line("Master router", now.master.to_string());
        line("Master priority", static_cast<int>(now.master_priority));
    }
    line("Wantstate", to_string(now.state));
    if (!now.fault.empty()) line("Fault", now.fault);
    line("Last transition", time_text(now.since));
    const std::string vmac = vmac_name(instance);
    line("Interface", vmac.empty() ? instance.interface : vmac + ", vmac on " + instance.interface);
    if (instance.source) line("Using src_ip", instance.source->to_string());
    line("Gratuitous ARP delay", instance.garp_master_delay.count() / 1'000'000);
    line("Gratuitous ARP repeat", instance.garp_master_repeat);
    line("Gratuitous ARP refresh", instance.garp_master_refresh.count() / 1'000'000);
    line("Gratuitous ARP refresh repeat", instance.garp_master_refresh_repeat);
    line("Gratuitous ARP lower priority delay", instance.garp_lower_prio_delay.count() / 1'000'000);
    line("Gratuitous ARP lower priority repeat", instance.garp_lower_prio_repeat);
    line("Down timer adverts", instance.down_timer_adverts);
    line("Send advert after receive lower priority advert", yes(!instance.lower_prio_no_advert));
    line("Send advert after receive higher priority advert", yes(instance.higher_prio_send_advert));
    line("Virtual Router ID", static_cast<int>(instance.virtual_router_id));
    line("Priority", static_cast<int>(now.base_priority));
    line("Effective priority", static_cast<int>(now.effective_priority));
    if (instance.version == 2)
        line("Advert interval", fmt::format("{} sec", instance.advert_int.count() / 1'000'000));
    else
        line("Advert interval", fmt::format("{} milli-sec", instance.advert_int.count() / 1'000));
    line("Accept", onoff(!vrrp::refuses_packets(instance)));
    line("Preempt", onoff(!instance.nopreempt));
    if (instance.preempt_delay.count() != 0)
        line("Preempt delay", fmt::format("{} secs", instance.preempt_delay.count() / 1'000'000));
    if (instance.version == 2)
        line("Authentication type", instance.auth_type == config::AuthType::None   ? "none"
                                    : instance.auth_type == config::AuthType::Pass ? "SIMPLE_PASSWORD"
                                                                                   : "IPSEC_AH");
    put_addresses(out, instance, holds_addresses(now));
    if (!instance.unicast_peers.empty()) out += "   Unicast Peer :\n";
    for (const auto& peer : instance.unicast_peers) out += fmt::format("     {}\n", peer.address.to_string());
    if (!instance.track_scripts.empty()) out += "   Tracked scripts :\n";
    for (const auto& tracked : instance.track_scripts)
        out += fmt::format("     {} weight {}{}\n", tracked.name, tracked.weight, tracked.reverse ? " reverse" : "");
    if (!instance.track_interfaces.empty()) out += "   Tracked interfaces :\n";
    for (const auto& tracked : instance.track_interfaces)
        out += fmt::format("     {} weight {}{}\n", tracked.name, tracked.weight, tracked.reverse ? " reverse" : "");
    line("Using smtp notification", instance.smtp_alert ? "yes" : "no");
    put_notifies(out, instance.notify);
}

std::string topology(const DumpSource& source) {
    std::string out = section("VRRP Topology");
    if (source.vrrp == nullptr) return out;
    for (const auto& now : source.vrrp->router.instances) {
        const auto instance = std::ranges::find(source.config.instances, now.name, &config::Instance::name);
        if (instance != source.config.instances.end()) put_instance(out, *instance, now);
    }
    return out;
}

std::string sockpool(const DumpSource& source) {
    std::string out = section("VRRP Sockpool");
    for (const auto& instance : source.config.instances) {
        const std::string vmac = vmac_name(instance);
        out += fmt::format(
            "   Interface = {}\n   Family = {}\n   Protocol = {}\n   Type = {}\n   VRRP instances\n"
            "     {} vrid {}\n",
            vmac.empty() ? instance.interface : vmac, instance.family == Family::V4 ? "IPv4" : "IPv6",
            instance.auth_type == config::AuthType::Ah ? "AH" : "VRRP",
            instance.unicast_peers.empty() ? "Multicast" : "Unicast", instance.name, instance.virtual_router_id);
    }
    return out;
}

std::string groups(const DumpSource& source) {
    std::string out = section("VRRP Sync groups");
    for (const auto& group : source.config.sync_groups) {
        const auto* now = source.vrrp != nullptr ? find_group(*source.vrrp, group.name) : nullptr;
        out += fmt::format(" VRRP Sync Group = {}, {}\n   VRRP member instances :\n", group.name,
                           to_string(now != nullptr ? now->state : vrrp::State::Init));
        for (const auto& member : group.members) out += fmt::format("     {}\n", member);
        out += fmt::format("   Using smtp notification = {}\n", group.smtp_alert ? "yes" : "no");
        put_notifies(out, group.notify);
    }
    return out;
}

std::string scripts(const DumpSource& source) {
    std::string out = section("VRRP Scripts");
    for (const auto& script : source.config.scripts) {
        out += fmt::format(
            " VRRP Script = {}\n   Command = {}\n   Interval = {} sec\n   Timeout = {} sec\n"
            "   Weight = {}{}\n   Rise = {}\n   Fall = {}\n",
            script.name, quoted_command(script.command), script.interval.count() / 1'000'000,
            script.timeout.count() / 1'000'000, script.weight, script.reverse ? " reverse" : "", script.rise,
            script.fall);
        const auto* now = source.vrrp != nullptr ? find_script(*source.vrrp, script.name) : nullptr;
        if (now == nullptr) continue;
        const auto state = up_state(*now);
        out += fmt::format("   Last status = {}\n   Status = {}\n", now->last_status,
                           state == UpState::Unknown ? "INIT"
                           : state == UpState::Up    ? "GOOD"
                                                     : "BAD");
    }
    return out;
}

std::string trackers(const DumpSource& source) {
    const auto find = [&](vrrp::TrackerSnapshot::Kind kind, const std::string& name) {
        return source.vrrp != nullptr ? find_tracker(*source.vrrp, kind, name) : nullptr;
    };
    std::string out = section("VRRP Track files");
    for (const auto& file : vrrp::file_trackers(source.config)) {
        const auto* now = find(vrrp::TrackerSnapshot::Kind::File, file.name);
        out += fmt::format(" Track file = {}\n   File = {}\n   Status = {}\n   Weight = {}{}\n", file.name, file.path,
                           now != nullptr ? now->value : 0, file.weight, file.reverse ? " reverse" : "");
    }
    out += section("VRRP Track processes");
    for (const auto& process : vrrp::process_trackers(source.config)) {
        const auto* now = find(vrrp::TrackerSnapshot::Kind::Process, process.name);
        out += fmt::format(
            " VRRP Track process = {}\n   Process = {}\n   Min processes = {}\n   Current processes = {}\n"
            "   Have quorum = {}\n   Weight = {}{}\n",
            process.name, fmt::join(process.command, " "), process.quorum, now != nullptr ? now->value : 0,
            yes(now != nullptr && now->up), process.weight, process.reverse ? " reverse" : "");
    }
    out += section("VRRP Track BFDs");
    if (source.vrrp != nullptr)
        for (const auto& now : source.vrrp->router.bfds)
            out += fmt::format(" Track BFD = {}\n   Status = {}\n", now.name, now.up ? "UP" : "DOWN");
    return out;
}

std::string interfaces(const DumpSource& source) {
    std::vector<std::string> names;
    for (const auto& instance : source.config.instances) {
        names.push_back(instance.interface);
        for (const auto& tracked : instance.track_interfaces) names.push_back(tracked.name);
    }
    std::ranges::sort(names);
    const auto rest = std::ranges::unique(names);
    names.erase(rest.begin(), rest.end());
    std::string out = section("Interfaces");
    for (const auto& name : names)
        if (!name.empty()) out += fmt::format(" Name = {}\n", name);
    return out;
}

// The words of one value: none of a flag.
std::string argument_text(const config::KeywordData& data, const config::KeywordSpec* row) {
    if (const bool* on = std::get_if<bool>(&data)) return *on ? "" : " off";
    const auto* numbers = std::get_if<config::IntegerList>(&data);
    if (numbers != nullptr && row != nullptr && row->args.joiner != 0)
        return fmt::format(" {}", fmt::join(*numbers, std::string{row->args.joiner}));
    return " " + value_text(data);
}

}  // namespace

std::string line_text(const config::Section& line, config::Block block) {
    std::string text = fmt::format("{}", fmt::join(line.names, " "));
    config::WordList positions;
    for (const auto* row : config::positions_of(block)) {
        const auto& name = positions.emplace_back(row->name.substr(1, row->name.size() - 2));
        if (const auto* data = config::find_value(line.values, name)) text += argument_text(*data, row);
    }
    for (const auto& [keyword, data] : line.values)
        if (std::ranges::find(positions, keyword) == positions.end())
            text += " " + keyword + argument_text(data, config::find_option(block, keyword));
    for (const auto& nested : line.sections) {
        const auto* row = config::find_option(block, nested.keyword);
        text += " " + nested.keyword + " " + line_text(nested, row != nullptr ? row->args.opens : config::Block::None);
    }
    return text.starts_with(' ') ? text.substr(1) : text;
}

std::string dump_data(const DumpSource& source) {
    const auto& root = source.config.more->sections;
    std::string out = global_definitions(source.config.global);
    out += section("Static Addresses") + lines_of("", root, "static_ipaddress", config::Block::StaticAddresses);
    out += section("Static Routes") + lines_of("", root, "static_routes", config::Block::StaticRoutes);
    out += section("Static Rules") + lines_of("", root, "static_rules", config::Block::StaticRules);
    out += section("Static Track groups");
    for (const auto& group : root)
        if (group.keyword == "track_group") out += fmt::format(" Track group = {}\n", fmt::join(group.names, " "));
    return out + topology(source) + sockpool(source) + groups(source) + scripts(source) + trackers(source) +
           interfaces(source);
}

std::string dump_parent_data(const DumpSource& source) { return global_definitions(source.config.global); }

std::string dump_check_data(const DumpSource& source) {
    std::string out = global_definitions(source.config.global) + section("LVS Topology");
    if (source.lvs == nullptr) return out;
    for (const auto& service : source.lvs->services) {
        out += fmt::format(" VirtualServer = {}\n   lvs_sched = {}\n   quorum = {}\n", service.name, service.scheduler,
                           service.quorum_up ? "UP" : "DOWN");
        for (const auto& server : service.servers)
            out += fmt::format("   ------< Real server >------\n    RIP = {}, weight = {}, {}\n", server.name,
                               server.weight, server.alive ? "alive" : "down");
    }
    return out;
}

}  // namespace mainstay::report
