// keepalived.data and its siblings, line for line like keepalived 2.2.7's: sections, keys, their order and indentation.
// What is left out, and why, stands in tests/support/dumps.py. One rule is for readers: up to "Virtual IP" each line of
// an instance has " = ", because an exporter takes the first line without it for the instance's end.
#include <algorithm>
#include <ctime>
#include <map>

#include "document_queries.hpp"
#include "dump_text.hpp"
#include "lvs_settings.hpp"
#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/vrrp/filter.hpp"
#include "mainstay/vrrp/settings.hpp"
#include "mainstay/vrrp/statics.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

constexpr std::string_view kUnknownTime = "(unknown)";
constexpr int kUnicastTtl = 255;

std::int64_t seconds(Micros time) { return time.count() / 1'000'000; }

// When a deadline of the monotonic clock is by the wall clock.
std::string deadline_text(const DumpSource& source, const vrrp::InstanceSnapshot& now) {
    if (now.deadline == Instant{} || now.state == vrrp::State::Fault || now.state == vrrp::State::Init)
        return "DISABLED";
    const auto left = std::chrono::duration_cast<Micros>(now.deadline - source.now);
    return time_text({source.wall.unix_us + left.count()});
}

// RFC 3768 and RFC 9568 6.1, with the interval that is in force.
std::int64_t master_down_usecs(const config::Instance& instance, const vrrp::InstanceSnapshot& now) {
    const Micros interval = now.master_interval.count() != 0 ? now.master_interval : instance.advert_int;
    const Micros skew_unit = instance.version == 2 ? Micros{1'000'000} : interval;
    return (interval * instance.down_timer_adverts + skew_unit * (256 - now.effective_priority) / 256).count();
}

// One instance, line by line, at the end of `out`.
class InstanceLines {
public:
    InstanceLines(const DumpSource& source, const TrackedView& tracked, const config::Instance& instance,
                  const vrrp::InstanceSnapshot& now, std::string& out)
        : source_{source}, tracked_{tracked}, instance_{instance}, now_{now}, out_{out} {}

    void put() {
        out_.append(" VRRP Instance = ").append(instance_.name).append("\n");
        state();
        interface();
        priorities();
        addresses();
        unicast();
        routing();
        out_ += tracked_.lists(instance_.track_interfaces, instance_.track_scripts, *instance_.more, instance_.name);
        notifies();
    }

private:
    template <class T>
    void line(std::string_view name, const T& value) {
        put_line(out_, "   ", name, value);
    }
    void state();
    void interface();
    void priorities();
    void addresses();
    void unicast();
    void routing();
    void notifies();

    const DumpSource& source_;
    const TrackedView& tracked_;
    const config::Instance& instance_;
    const vrrp::InstanceSnapshot& now_;
    std::string& out_;
};

void InstanceLines::state() {
    line("VRRP Version", static_cast<int>(instance_.version));
    if (!instance_.sync_group.empty()) line("Sync group", instance_.sync_group);
    line("State", to_string(now_.state));
    if (now_.state == vrrp::State::Backup && now_.names_master()) {
        line("Master router", now_.master.to_string());
        line("Master priority", static_cast<int>(now_.master_priority));
        if (instance_.version == 3)
            line("Master advert int",
                 fmt::format("{:.2f} sec", static_cast<double>(now_.master_interval.count()) / 1e6));
    }
    line("Wantstate", to_string(now_.state));
    const auto& tracked = tracked_.of(instance_.name);
    using Object = vrrp::TrackedObject;
    line("Number of config faults", 0);
    // keepalived counts a source address that is not there among them.
    line("Number of interface and track script faults",
         std::ranges::count_if(tracked, &Object::faults) +
             std::ranges::count(now_.faults, vrrp::Fault::What::Other, &vrrp::Fault::what));
    line("Number of track scripts init", std::ranges::count_if(tracked, [](const Object& object) {
             return object.kind == Object::Kind::Script && object.weight == 0 && !object.known;
         }));
    line("Last transition", time_text(now_.since));
    line("Read timeout", deadline_text(source_, now_));
    line("Master down timer", fmt::format("{} usecs", master_down_usecs(instance_, now_)));
}

void InstanceLines::interface() {
    const std::string vmac = vmac_name(instance_);
    const bool xmit_base = config::flag(instance_.more->values, keyword::vmac_xmit_base);
    if (vmac.empty()) {
        line("Interface", instance_.interface);
    } else {
        out_ += fmt::format("   Use VMAC, i/f name {}, is_up = {}, xmit_base = {}\n", vmac,
                            true_or_false(now_.state != vrrp::State::Fault), true_or_false(xmit_base));
        line("Interface",
             fmt::format("{}, vmac on {}{}", vmac, instance_.interface, xmit_base ? ", xmit base i/f" : ""));
    }
    if (instance_.source)
        line("Using src_ip", instance_.source->to_string() + " (from configuration)");
    else if (now_.state == vrrp::State::Master && !now_.master.empty())
        line("Using src_ip", now_.master.to_string());
    line("Gratuitous ARP delay", seconds(instance_.garp_master_delay));
    line("Gratuitous ARP repeat", instance_.garp_master_repeat);
    line("Gratuitous ARP refresh", seconds(instance_.garp_master_refresh));
    line("Gratuitous ARP refresh repeat", instance_.garp_master_refresh_repeat);
    line("Gratuitous ARP lower priority delay", seconds(instance_.garp_lower_prio_delay));
    line("Gratuitous ARP lower priority repeat", instance_.garp_lower_prio_repeat);
    line("Down timer adverts", instance_.down_timer_adverts);
    line("Send advert after receive lower priority advert", true_or_false(!instance_.lower_prio_no_advert));
    line("Send advert after receive higher priority advert", true_or_false(instance_.higher_prio_send_advert));
}

void InstanceLines::priorities() {
    const auto enabled = [](bool on) { return on ? "enabled" : "disabled"; };
    const auto& words = instance_.more->values;
    line("Virtual Router ID", static_cast<int>(instance_.virtual_router_id));
    line("Priority", static_cast<int>(now_.base_priority));
    line("Effective priority", static_cast<int>(now_.effective_priority));
    int total = now_.base_priority;
    for (const auto& part : now_.priority_parts) total += part.weight;
    line("Total priority", total);
    if (instance_.version == 2) {
        line("Advert interval", fmt::format("{} sec", seconds(instance_.advert_int)));
    } else {
        line("Advert interval", fmt::format("{} milli-sec", instance_.advert_int.count() / 1'000));
        if (now_.state == vrrp::State::Backup)
            line("Master advert interval",
                 fmt::format("{} milli-sec",
                             (now_.master_interval.count() != 0 ? now_.master_interval : instance_.advert_int).count() /
                                 1'000));
    }
    line("Accept", enabled(!vrrp::refuses_packets(instance_)));
    line("Preempt", enabled(!instance_.nopreempt));
    if (instance_.preempt_delay.count() != 0)
        line("Preempt delay", fmt::format("{:g} secs", static_cast<double>(instance_.preempt_delay.count()) / 1e6));
    line("Promote_secondaries", enabled(config::flag(words, keyword::promote_secondaries)));
    using config::AuthType;
    if (instance_.version == 2)
        line("Authentication type", instance_.auth_type == AuthType::None   ? "none"
                                    : instance_.auth_type == AuthType::Pass ? "SIMPLE_PASSWORD"
                                                                            : "IPSEC_AH");
    if (instance_.auth_type != AuthType::None) line("Password", "********");
    if (const auto size = config::value_of(words, keyword::kernel_rx_buf_size)) line("Kernel rx buffer size", *size);
    if (const auto level = config::value_of(words, keyword::debug)) line("Debug level", *level);
}

void InstanceLines::addresses() {
    const bool set = holds_addresses(now_);
    const auto is_refused = [&](const config::VirtualAddress& address) {
        return source_.vrrp != nullptr && std::ranges::any_of(source_.vrrp->refused_addresses, [&](const auto& one) {
                   return one.instance == instance_.name && one.what == address.prefix.to_string();
               });
    };
    const auto put = [&](const std::vector<config::VirtualAddress>& list) {
        for (const auto& address : list)
            out_ += "     " + address_text(address, instance_, set && !is_refused(address)) + "\n";
    };
    if (!instance_.addresses.empty()) out_ += fmt::format("   Virtual IP ({}):\n", instance_.addresses.size());
    put(instance_.addresses);
    if (!instance_.excluded_addresses.empty()) out_ += "   Virtual IP Excluded :\n";
    put(instance_.excluded_addresses);
}

void InstanceLines::unicast() {
    if (instance_.unicast_peers.empty()) return;
    const auto settings = vrrp::settings_of(instance_, source_.config.global);
    if (settings.unicast_ttl || instance_.family == Family::V4)  // of IPv6 it is the host's
        line("Unicast TTL", static_cast<int>(settings.unicast_ttl.value_or(kUnicastTtl)));
    out_ += fmt::format("   Check unicast src : {}\n   Unicast Peer :\n", yes_or_no(settings.check_unicast_src));
    for (const auto& peer : instance_.unicast_peers)
        out_ += fmt::format("     {} min_ttl {} max_ttl {}\n", peer.address.to_string(), peer.min_ttl, peer.max_ttl);
    using Old = vrrp::Settings::OldChecksum;
    line("Unicast checksum compatibility", settings.old_unicast_checksum == Old::Always  ? "config"
                                           : settings.old_unicast_checksum == Old::Never ? "never"
                                                                                         : "no");
}

void InstanceLines::routing() {
    bool routes = false, rules = false;
    for (const auto& entry : vrrp::routing_of(instance_)) {
        bool& has_title = entry.is_rule() ? rules : routes;
        if (!std::exchange(has_title, true)) out_ += entry.is_rule() ? "   Virtual Rules :\n" : "   Virtual Routes :\n";
        out_ += fmt::format("     {}\n", routing_text(entry));
    }
}

void InstanceLines::notifies() {
    const auto& words = instance_.more->values;
    line("Using smtp notification", yes_or_no(instance_.smtp_alert));
    line("Notify deleted", config::is_given(words, keyword::notify_deleted) ? "Deleted" : "Fault");
    out_ += notify_lines(instance_.notify, *instance_.more);
    const auto& groups = source_.config.sync_groups;
    const auto group = std::ranges::find(groups, instance_.sync_group, &config::SyncGroup::name);
    const bool of_group = group != groups.end() && config::flag(group->more->values, keyword::notify_priority_changes);
    const auto own = config::value_of(words, keyword::notify_priority_changes);
    const bool global = config::flag(source_.config.global.more->values, keyword::vrrp_notify_priority_changes);
    line("Notify priority changes", true_or_false(own.value_or(global) || of_group));
}

void topology(const DumpSource& source, const TrackedView& tracked, std::string& out) {
    if (source.vrrp == nullptr) return;
    std::size_t position = 0;
    for (const auto& now : source.vrrp->router.instances)
        if (const auto* instance = configured_instance(source.config, now.name, position++))
            InstanceLines{source, tracked, *instance, now, out}.put();
}

// Instances with the same of these share a socket.
std::string socket_lines(const config::Instance& instance) {
    const std::string vmac = vmac_name(instance);
    const bool own_device = !vmac.empty() && !config::flag(instance.more->values, keyword::vmac_xmit_base);
    const bool unicast = !instance.unicast_peers.empty();
    std::string out =
        fmt::format("   Interface = {}\n   Family = {}\n   Protocol = {}\n   Type = {}\n",
                    own_device ? vmac : instance.interface, instance.family == Family::V4 ? "IPv4" : "IPv6",
                    instance.auth_type == config::AuthType::Ah ? "AH" : "VRRP", unicast ? "Unicast" : "Multicast");
    if (unicast && instance.source) out += fmt::format("   Address = {}\n", instance.source->to_string());
    return out;
}

std::string sockpool(const DumpSource& source) {
    struct Socket {
        std::int64_t buffer = 0;
        std::string instances;
    };
    std::map<std::string, Socket> sockets;
    std::vector<std::map<std::string, Socket>::iterator> in_order;
    for (const auto& instance : source.config.instances) {
        const auto [socket, is_new] = sockets.try_emplace(socket_lines(instance));
        if (is_new) in_order.push_back(socket);
        const auto size = config::value_of(instance.more->values, keyword::kernel_rx_buf_size);
        socket->second.buffer = std::max(socket->second.buffer, size.value_or(0));
        socket->second.instances += fmt::format("     {} vrid {}\n", instance.name, instance.virtual_router_id);
    }
    std::string out;
    for (const auto& socket : in_order)
        out += fmt::format("{}   Rx buf size = {}\n   VRRP instances\n{}", socket->first, socket->second.buffer,
                           socket->second.instances);
    return out;
}

std::string static_addresses(const DumpSource& source) {
    std::string out;
    for (const auto& entry : vrrp::static_addresses_of(source.config))
        out += fmt::format("     {}\n", address_text(entry.address, entry.address.dev, source.vrrp != nullptr));
    return out;
}

std::string static_routing(const config::Config& config, bool rules) {
    std::string out;
    for (const auto& entry : vrrp::static_routing_of(config))
        if (entry.is_rule() == rules) out += fmt::format("     {}\n", routing_text(entry));
    return out;
}

std::string track_groups(const config::Config& config) {
    std::string out;
    for (const auto& group : config.more->sections) {
        if (group.keyword != keyword::track_group) continue;
        out += fmt::format(" Static Track Group = {}\n   VRRP member instances :\n", fmt::join(group.names, " "));
        const auto* members = config::find_section(group.sections, keyword::group);
        if (members == nullptr) continue;
        for (const auto& member : config::words_of(members->values, keyword::group))
            out += fmt::format("     {}\n", member);
    }
    return out;
}

std::string interfaces(const DumpSource& source, const TrackedView& tracked) {
    std::vector<std::string> names;
    for (const auto& instance : source.config.instances) {
        names.push_back(instance.interface);
        for (const auto& one : instance.track_interfaces) names.push_back(one.name);
    }
    std::ranges::sort(names);
    const auto rest = std::ranges::unique(names);
    names.erase(rest.begin(), rest.end());
    std::string out;
    for (const auto& name : names) {
        if (name.empty()) continue;
        out += fmt::format(" Name = {}\n", name);
        const auto instances = tracked.instances_of(vrrp::TrackedObject::Kind::Interface, name);
        if (!instances.empty()) out += "   Tracking VRRP instances :\n" + instances.substr(instances.find('\n') + 1);
    }
    return out;
}

}  // namespace

std::string time_text(WallTime at) {
    const std::time_t seconds = static_cast<std::time_t>(at.unix_us / 1'000'000);
    std::tm parts{};
    std::string stamp(40, '\0');
    if (::localtime_r(&seconds, &parts) == nullptr) return std::string{kUnknownTime};
    stamp.resize(std::strftime(stamp.data(), stamp.size(), "%a %b %e %H:%M:%S", &parts));
    const auto micros = at.unix_us % 1'000'000;
    return fmt::format("{}.{:06} ({}.{:06} {})", seconds, micros, stamp, micros, parts.tm_year + 1900);
}

std::string section_if_any(std::string_view name, const std::string& entries) {
    return entries.empty() ? std::string{} : section(name) + entries;
}

std::string notify_lines(const config::Notifies& notify, const config::ExtraSettings& more) {
    std::string out;
    const auto line = [&](const char* name, const config::Command& command) {
        if (!command.empty()) out += fmt::format("   {} state transition script = {}\n", name, quoted_command(command));
    };
    const auto given = [&](const config::Keyword<config::Command>& keyword) {
        return config::value_of(more.values, keyword).value_or(config::Command{});
    };
    line("Backup", *notify.backup);
    line("Master", *notify.master);
    line("Fault", *notify.fault);
    line("Stop", *notify.stop);
    line("Deleted", given(keyword::notify_deleted));
    line("Generic", *notify.any);
    line("Master rx lower pri", given(keyword::notify_master_rx_lower_pri));
    return out;
}

const config::Instance* configured_instance(const config::Config& config, std::string_view name, std::size_t likely) {
    if (likely < config.instances.size() && config.instances[likely].name == name) return &config.instances[likely];
    const auto found = std::ranges::find(config.instances, name, &config::Instance::name);
    return found != config.instances.end() ? &*found : nullptr;
}

std::string dump_data(const DumpSource& source) {
    const TrackedView tracked{source};
    std::string out = global_definitions(source, true);
    out += section_if_any("Static Addresses", static_addresses(source));
    out += section_if_any("Static Routes", static_routing(source.config, false));
    out += section_if_any("Static Rules", static_routing(source.config, true));
    out += section_if_any("Static Track groups", track_groups(source.config));
    out += section("VRRP Topology");
    topology(source, tracked, out);
    out += section_if_any("VRRP Sockpool", sockpool(source));
    out += tracked_sections(source, tracked);
    out += section_if_any("Interfaces", interfaces(source, tracked));
    return out;
}

std::string dump_parent_data(const DumpSource& source) { return global_definitions(source, false); }

}  // namespace mainstay::report
