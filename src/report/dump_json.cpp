// keepalived's own JSON, which exporters read: names, order and state numbers are keepalived's.
#include <cmath>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "config_text.hpp"
#include "counter_names.hpp"
#include "document_queries.hpp"
#include "mainstay/config/schema/keyword_values.hpp"
#include "mainstay/report/dumps.hpp"
#include "mainstay/vrrp/filter.hpp"
#include "mainstay/vrrp/trackers.hpp"

namespace mainstay::report {

namespace {

using json = nlohmann::ordered_json;
using config::Instance;

constexpr int kDefaultPrefixV4 = 32, kDefaultPrefixV6 = 128;

bool flag(const Instance& instance, const char* keyword) {
    return config::value_of<bool>(instance.more->values, keyword).value_or(false);
}

// keepalived writes a whole number of seconds without a point.
json seconds(Micros time) {
    if (time.count() % 1'000'000 == 0) return time.count() / 1'000'000;
    return static_cast<double>(time.count()) / 1e6;
}

void put_script(json& out, const char* name, const config::Command& command) {
    if (!command.empty()) out[name] = quoted_command(command);
}

void put_list(json& out, const char* name, const std::vector<std::string>& list) {
    if (!list.empty()) out[name] = list;
}

std::vector<std::string> addresses(const std::vector<config::VirtualAddress>& list, const Instance& instance,
                                   bool set) {
    std::vector<std::string> texts;
    for (const auto& address : list) texts.push_back(address_text(address, instance, set));
    return texts;
}

std::vector<std::string> rules_of(const Instance& instance) {
    std::vector<std::string> lines;
    if (const auto* block = config::find_section(instance.more->sections, "virtual_rules"))
        for (const auto& line : block->sections) lines.push_back(line_text(line, config::Block::VirtualRules));
    return lines;
}

std::vector<std::string> tracked_processes(const Instance& instance) {
    std::vector<std::string> names;
    if (const auto* block = config::find_section(instance.more->sections, "track_process"))
        for (const auto& line : block->sections)
            if (const auto name = config::value_of<config::WordList>(line.values, "name"))
                names.insert(names.end(), name->begin(), name->end());
    return names;
}

void put_lists(json& out, const DumpSource& source, const Instance& instance, bool set) {
    put_list(out, "vips", addresses(instance.addresses, instance, set));
    put_list(out, "evips", addresses(instance.excluded_addresses, instance, set));
    std::vector<std::string> routes;
    for (const auto& route : instance.routes) {
        std::string text;
        for (const auto& word : route.words) text += (text.empty() ? "" : " ") + word;
        routes.push_back(std::move(text));
    }
    put_list(out, "vroutes", routes);
    put_list(out, "vrules", rules_of(instance));
    std::vector<std::string> interfaces, scripts;
    for (const auto& tracked : instance.track_interfaces) interfaces.push_back(tracked.name);
    put_list(out, "track_ifp", interfaces);
    for (const auto& tracked : instance.track_scripts) {
        const auto script = std::ranges::find(source.config.scripts, tracked.name, &config::TrackScript::name);
        if (script != source.config.scripts.end()) scripts.push_back(quoted_command(script->command));
    }
    put_list(out, "track_script", scripts);
    put_list(out, "track_process", tracked_processes(instance));
}

json data_of(const DumpSource& source, const Instance& instance, const vrrp::InstanceSnapshot& now) {
    const std::string vmac = vmac_name(instance);
    const bool set = holds_addresses(now);
    json out{
        {"iname", instance.name},
        {"dont_track_primary", instance.dont_track_primary ? 1 : 0},
        {"skip_check_adv_addr", instance.skip_check_adv_addr ? 1 : 0},
        {"strict_mode", instance.strict ? 1 : 0},
        {"vmac_ifname", vmac},
        {"ifp_ifname", vmac.empty() ? instance.interface : vmac},
        {"master_priority", now.master_priority},
        {"last_transition", static_cast<double>(now.since.unix_us) / 1e6},
        {"garp_delay", seconds(instance.garp_master_delay)},
        {"garp_refresh", seconds(instance.garp_master_refresh)},
        {"garp_rep", instance.garp_master_repeat},
        {"garp_refresh_rep", instance.garp_master_refresh_repeat},
        {"garp_lower_prio_delay", seconds(instance.garp_lower_prio_delay)},
        {"garp_lower_prio_rep", instance.garp_lower_prio_repeat},
        {"lower_prio_no_advert", instance.lower_prio_no_advert ? 1 : 0},
        {"higher_prio_send_advert", instance.higher_prio_send_advert ? 1 : 0},
        {"vrid", instance.virtual_router_id},
        {"base_priority", now.base_priority},
        {"effective_priority", now.effective_priority},
        {"vipset", set},
        {"promote_secondaries", flag(instance, "promote_secondaries")},
        {"adver_int", seconds(instance.advert_int)},
        {"master_adver_int", seconds(now.master_interval.count() != 0 ? now.master_interval : instance.advert_int)},
        {"accept", vrrp::refuses_packets(instance) ? 0 : 1},
        {"nopreempt", instance.nopreempt},
        {"preempt_delay", instance.preempt_delay.count() / 1'000'000},
        {"state", state_number(now.state)},
        {"wantstate", state_number(now.state)},
        {"version", instance.version},
        {"smtp_alert", instance.smtp_alert},
        {"notify_deleted", config::find_value(instance.more->values, "notify_deleted") != nullptr}};
    put_script(out, "script_backup", *instance.notify.backup);
    put_script(out, "script_master", *instance.notify.master);
    put_script(out, "script_fault", *instance.notify.fault);
    put_script(out, "script_stop", *instance.notify.stop);
    const auto more = [&](const char* keyword) {
        return config::value_of<config::Command>(instance.more->values, keyword).value_or(config::Command{});
    };
    put_script(out, "script_deleted", more("notify_deleted"));
    put_script(out, "script", *instance.notify.any);
    put_script(out, "script_master_rx_lower_pri", more("notify_master_rx_lower_pri"));
    put_lists(out, source, instance, set);
    out["auth_type"] = static_cast<int>(instance.auth_type);
    if (instance.auth_type != config::AuthType::None) out["auth_data"] = "********";
    return out;
}

json stats_of(const vrrp::Counters& counters) {
    json out;
    for (const auto& [name, value] : kKeepalivedCounters) out[name] = counters.*value;
    return out;
}

json processes_of(const DumpSource& source) {
    using Kind = vrrp::TrackerSnapshot::Kind;
    json list = json::array();
    for (const auto& process : vrrp::process_trackers(source.config)) {
        const auto* now = source.vrrp != nullptr ? find_tracker(*source.vrrp, Kind::Process, process.name) : nullptr;
        static constexpr const char* kMatches[] = {"none", "exact", "initial", "partial"};
        json item{{"process", process.command.empty() ? "" : process.command.front()},
                  {"parameters", parameters_text(process)},
                  {"param_match", kMatches[static_cast<std::size_t>(process.params)]},
                  {"min_processes", process.quorum}};
        if (process.quorum_max != 0xffff'ffff) item["max_processes"] = process.quorum_max;
        item["current_processes"] = now != nullptr ? now->value : 0;
        item["have_quorum"] = now != nullptr && now->up;
        item["weight"] = process.reverse ? -process.weight : process.weight;
        item["terminate_delay"] = seconds(process.terminate_delay);
        item["fork_delay"] = seconds(process.fork_delay);
        item["fork_delay_timer_running"] = false;
        item["terminate_delay_timer_running"] = false;
        item["full_command"] = process.full_command;
        list.push_back(std::move(item));
    }
    return list;
}

}  // namespace

std::string vmac_name(const Instance& instance) {
    if (!instance.vmac.enabled) return {};
    return instance.vmac.name.empty() ? "vrrp." + std::to_string(instance.virtual_router_id) : instance.vmac.name;
}

std::string address_text(const config::VirtualAddress& address, const Instance& instance, bool set) {
    const auto& prefix = address.prefix;
    const int most = prefix.address.is_v4() ? kDefaultPrefixV4 : kDefaultPrefixV6;
    std::string text = prefix.length == most ? prefix.address.to_string() : prefix.to_string();
    const std::string vmac = vmac_name(instance);
    text += " dev " + (!address.dev.empty() ? address.dev : vmac.empty() ? instance.interface
                                                                         : vmac + "@" + instance.interface);
    static constexpr std::pair<int, const char*> kScopes[] = {
        {0, "global"}, {200, "site"}, {253, "link"}, {254, "host"}, {255, "nowhere"}};
    const auto scope = std::ranges::find(kScopes, address.scope, &std::pair<int, const char*>::first);
    text += " scope " + (scope != std::end(kScopes) ? std::string{scope->second} : std::to_string(address.scope));
    if (!address.label.empty()) text += " label " + address.label;
    if (address.no_track) text += " no_track";
    return set ? text + " set" : text;
}

std::string dump_json(const DumpSource& source) {
    if (source.vrrp == nullptr || source.vrrp->router.instances.empty()) return {};
    json array = json::array();
    for (const auto& now : source.vrrp->router.instances) {
        const auto instance = std::ranges::find(source.config.instances, now.name, &Instance::name);
        if (instance == source.config.instances.end()) continue;  // the state is of another configuration
        array.push_back({{"data", data_of(source, *instance, now)}, {"stats", stats_of(counted(source, now))}});
    }
    const auto text = [](const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); };
    if (!source.json_version_2) return text(array);
    json whole{{"vrrp", std::move(array)}};
    if (auto processes = processes_of(source); !processes.empty()) whole["track_process"] = std::move(processes);
    return text(whole);
}

}  // namespace mainstay::report
