// keepalived.json, which exporters read: names, order, state numbers and the writing of numbers and strings are
// keepalived's. Written straight into the text: a file of a thousand instances has to be there within milliseconds.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <iterator>

#include "counter_names.hpp"
#include "document_queries.hpp"
#include "dump_text.hpp"
#include "lvs_settings.hpp"
#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/report/dumps.hpp"
#include "mainstay/vrrp/filter.hpp"
#include "mainstay/vrrp/trackers.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

using config::Instance;

constexpr std::size_t kUsualInstance = 1'600;  // bytes

// An object or array under construction: knows whether a comma is due.
class JsonText {
public:
    explicit JsonText(std::string& out) : out_{out} {}

    void open(char bracket) {
        separate();
        out_ += bracket;
        first_ = true;
    }
    void close(char bracket) {
        out_ += bracket;
        first_ = false;
    }
    void key(std::string_view name) {  // of the schema: nothing to escape
        separate();
        out_ += '"';
        out_ += name;
        out_ += "\":";
        first_ = true;
    }
    void text(std::string_view value) {
        separate();
        // Control characters and other alphabets are rare: the library writes them, and replaces what is no UTF-8.
        const bool is_plain =
            std::ranges::all_of(value, [](char c) { return c >= ' ' && c != '"' && c != '\\' && c < 0x7f; });
        const std::string written =
            is_plain ? std::string{}
                     : nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        if (is_plain) out_ += '"';
        std::string_view rest = is_plain ? value : std::string_view{written};
        for (auto slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
            out_.append(rest.substr(0, slash)).append("\\/");
            rest.remove_prefix(slash + 1);
        }
        out_ += rest;
        if (is_plain) out_ += '"';
    }
    void number(double value) {
        separate();
        fmt::format_to(std::back_inserter(out_), "{}", value);
    }
    void number(std::integral auto value) {
        separate();
        put_number(out_, value);
    }
    void raw(std::string_view value) {
        separate();
        out_ += value;
    }

    void add(std::string_view name, std::string_view value) { key(name), text(value); }
    void add(std::string_view name, bool value) { key(name), raw(value ? "true" : "false"); }
    template <class T>
        requires std::is_integral_v<T> && (!std::is_same_v<T, bool>)
    void add(std::string_view name, T value) {
        key(name), number(value);
    }
    // keepalived writes a whole number of seconds without a point.
    void add(std::string_view name, Micros time) {
        key(name);
        if (time.count() % 1'000'000 == 0)
            number(time.count() / 1'000'000);
        else
            number(static_cast<double>(time.count()) / 1e6);
    }
    void add(std::string_view name, const config::Command& command) {
        if (!command.empty()) add(name, std::string_view{quoted_command(command)});
    }
    void add(std::string_view name, const std::vector<std::string>& list) {
        if (list.empty()) return;
        key(name);
        open('[');
        for (const auto& entry : list) text(entry);
        close(']');
    }

private:
    void separate() {
        if (!std::exchange(first_, false)) out_ += ',';
    }
    std::string& out_;
    bool first_ = true;
};

int as_number(bool on) { return on ? 1 : 0; }

std::vector<std::string> addresses(const std::vector<config::VirtualAddress>& list, const Instance& instance,
                                   bool set) {
    std::vector<std::string> texts;
    for (const auto& address : list) texts.push_back(address_text(address, instance, set));
    return texts;
}

std::vector<std::string> routing(const Instance& instance, bool rules) {
    std::vector<std::string> texts;
    if (instance.routes.empty() && instance.more->sections.empty()) return texts;
    for (const auto& entry : vrrp::routing_of(instance))
        if (entry.is_rule() == rules) texts.push_back(routing_text(entry));
    return texts;
}

std::vector<std::string> tracked_processes(const Instance& instance) {
    std::vector<std::string> names;
    if (const auto* block = config::find_section(instance.more->sections, keyword::track_process))
        for (const auto& line : block->sections)
            if (const auto name = config::first_word(line.values, keyword::name); !name.empty()) names.push_back(name);
    return names;
}

void put_lists(JsonText& out, const DumpSource& source, const Instance& instance, bool set) {
    out.add("vips", addresses(instance.addresses, instance, set));
    out.add("evips", addresses(instance.excluded_addresses, instance, set));
    out.add("vroutes", routing(instance, false));
    out.add("vrules", routing(instance, true));
    std::vector<std::string> interfaces, scripts;
    for (const auto& tracked : instance.track_interfaces) interfaces.push_back(tracked.name);
    out.add("track_ifp", interfaces);
    for (const auto& tracked : instance.track_scripts) {
        const auto script = std::ranges::find(source.config.scripts, tracked.name, &config::TrackScript::name);
        if (script != source.config.scripts.end()) scripts.push_back(quoted_command(script->command));
    }
    out.add("track_script", scripts);
    out.add("track_process", tracked_processes(instance));
}

void put_settings(JsonText& out, const Instance& instance, const vrrp::InstanceSnapshot& now, bool set) {
    const std::string vmac = vmac_name(instance);
    out.add("iname", std::string_view{instance.name});
    out.add("dont_track_primary", as_number(instance.dont_track_primary));
    out.add("skip_check_adv_addr", as_number(instance.skip_check_adv_addr));
    out.add("strict_mode", as_number(instance.strict));
    out.add("vmac_ifname", std::string_view{vmac});
    out.add("ifp_ifname", std::string_view{vmac.empty() ? instance.interface : vmac});
    // Of another router that is master.
    const bool hears_master = now.state == vrrp::State::Backup;
    out.add("master_priority", hears_master ? static_cast<int>(now.master_priority) : 0);
    out.key("last_transition");
    out.raw(fmt::format("{}.{:06}", now.since.unix_us / 1'000'000, now.since.unix_us % 1'000'000));
    out.add("garp_delay", instance.garp_master_delay);
    out.add("garp_refresh", instance.garp_master_refresh);
    out.add("garp_rep", instance.garp_master_repeat);
    out.add("garp_refresh_rep", instance.garp_master_refresh_repeat);
    out.add("garp_lower_prio_delay", instance.garp_lower_prio_delay);
    out.add("garp_lower_prio_rep", instance.garp_lower_prio_repeat);
    out.add("lower_prio_no_advert", as_number(instance.lower_prio_no_advert));
    out.add("higher_prio_send_advert", as_number(instance.higher_prio_send_advert));
    out.add("vrid", static_cast<int>(instance.virtual_router_id));
    out.add("base_priority", static_cast<int>(now.base_priority));
    out.add("effective_priority", static_cast<int>(now.effective_priority));
    out.add("vipset", set);
    out.add("promote_secondaries", config::flag(instance.more->values, keyword::promote_secondaries));
    out.add("adver_int", instance.advert_int);
    out.add("master_adver_int", now.master_interval.count() != 0 ? now.master_interval : instance.advert_int);
    out.add("accept", as_number(!vrrp::refuses_packets(instance)));
    out.add("nopreempt", instance.nopreempt);
    out.add("preempt_delay", instance.preempt_delay.count() / 1'000'000);
    out.add("state", state_number(now.state));
    out.add("wantstate", state_number(now.state));
    out.add("version", static_cast<int>(instance.version));
    out.add("smtp_alert", instance.smtp_alert);
    out.add("notify_deleted", config::is_given(instance.more->values, keyword::notify_deleted));
}

void put_data(JsonText& out, const DumpSource& source, const Instance& instance, const vrrp::InstanceSnapshot& now) {
    const bool set = holds_addresses(now);
    put_settings(out, instance, now, set);
    const auto more = [&](const config::Keyword<config::Command>& keyword) {
        return config::value_of(instance.more->values, keyword).value_or(config::Command{});
    };
    out.add("script_backup", *instance.notify.backup);
    out.add("script_master", *instance.notify.master);
    out.add("script_fault", *instance.notify.fault);
    out.add("script_stop", *instance.notify.stop);
    out.add("script_deleted", more(keyword::notify_deleted));
    out.add("script", *instance.notify.any);
    out.add("script_master_rx_lower_pri", more(keyword::notify_master_rx_lower_pri));
    put_lists(out, source, instance, set);
    out.add("auth_type", static_cast<int>(instance.auth_type));
    if (instance.auth_type != config::AuthType::None) out.add("auth_data", std::string_view{"********"});
}

void put_instances(JsonText& out, const DumpSource& source) {
    out.open('[');
    std::size_t position = 0;
    for (const auto& now : source.vrrp->router.instances) {
        const auto* instance = configured_instance(source.config, now.name, position++);
        if (instance == nullptr) continue;  // the state is of another configuration
        out.open('{');
        out.key("data");
        out.open('{');
        put_data(out, source, *instance, now);
        out.close('}');
        out.key("stats");
        out.open('{');
        const auto counters = counted(source, now);
        for (const auto& [name, value] : kKeepalivedCounters) out.add(name, counters.*value);
        out.close('}');
        out.close('}');
    }
    out.close(']');
}

void put_processes(JsonText& out, const DumpSource& source) {
    using Kind = vrrp::TrackerSnapshot::Kind;
    const auto processes = vrrp::process_trackers(source.config);
    if (processes.empty()) return;
    out.key("track_process");
    out.open('[');
    for (const auto& process : processes) {
        const auto* now = source.vrrp != nullptr ? find_tracker(*source.vrrp, Kind::Process, process.name) : nullptr;
        static constexpr std::string_view kMatches[] = {"none", "exact", "initial", "partial"};
        out.open('{');
        out.add("process", std::string_view{process.command.front()});
        out.add("parameters", std::string_view{parameters_text(process)});
        out.add("param_match", kMatches[static_cast<std::size_t>(process.params)]);
        out.add("min_processes", process.quorum);
        if (process.quorum_max != 0xffff'ffff) out.add("max_processes", process.quorum_max);
        out.add("current_processes", now != nullptr ? now->value : std::int64_t{0});
        out.add("have_quorum", now != nullptr && now->up);
        out.add("weight", process.reverse ? -process.weight : process.weight);
        out.add("terminate_delay", process.terminate_delay);
        out.add("fork_delay", process.fork_delay);
        out.add("fork_delay_timer_running", false);
        out.add("terminate_delay_timer_running", false);
        out.add("full_command", process.full_command);
        out.close('}');
    }
    out.close(']');
}

}  // namespace

std::string dump_json(const DumpSource& source) {
    if (source.vrrp == nullptr || source.vrrp->router.instances.empty()) return {};
    std::string text;
    text.reserve(source.vrrp->router.instances.size() * kUsualInstance);
    JsonText out{text};
    if (!source.json_version_2) {
        put_instances(out, source);
        return text + '\n';
    }
    out.open('{');
    out.key("vrrp");
    put_instances(out, source);
    put_processes(out, source);
    out.close('}');
    return text + '\n';
}

}  // namespace mainstay::report
