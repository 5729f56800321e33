#include "model_text.hpp"

#include <fmt/format.h>

#include <type_traits>

namespace mainstay::config::testing {
namespace {

std::string text(bool value) { return value ? "yes" : "no"; }
std::string text(const std::string& value) {
    std::string out;
    for (const char c : value)
        out += c >= 0 && c < ' ' ? fmt::format("\\x{:02x}", static_cast<int>(c)) : std::string{c};
    return fmt::format("'{}'", out);
}
std::string text(const IpAddress& value) { return value.to_string(); }
std::string text(const Prefix& value) { return value.to_string(); }
std::string text(const MailAddress& address) { return fmt::format("'{}'", to_text(address)); }
std::string text(const Endpoint& value) { return value.to_string(); }
std::string text(const UnicastPeer& peer) {
    return fmt::format("{} ttl {}-{}", peer.address.to_string(), peer.min_ttl, peer.max_ttl);
}
std::string text(const TrackedInterface& one) {
    return fmt::format("{} {}{}", one.name, one.weight, one.reverse ? " reverse" : "");
}
std::string text(const TrackedScript& one) {
    return fmt::format("{} {}{}", one.name, one.weight, one.reverse ? " reverse" : "");
}
std::string text(const Tunnel& tunnel) {
    return fmt::format("{}/{}/{}", static_cast<int>(tunnel.type), static_cast<int>(tunnel.checksum), tunnel.port);
}
std::string text(const HttpUrl::Codes& codes) { return fmt::format("{}-{}", codes.from, codes.to); }
template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
std::string text(T value) {
    return fmt::format("{}", static_cast<std::int64_t>(value));
}
template <class Rep, class Period>
std::string text(std::chrono::duration<Rep, Period> value) {
    return fmt::format("{} us", std::chrono::duration_cast<Micros>(value).count());
}
template <class T>
std::string text(const std::vector<T>& list);
std::string text(const Command& command) {
    std::string out = text(command.argv);
    if (!command.user.empty()) out += " as " + command.user;
    if (!command.group.empty()) out += ":" + command.group;
    return out;
}
template <class T>
std::string text(const std::optional<T>& value) {
    return value ? text(*value) : "none";
}
template <class T>
std::string text(const std::vector<T>& list) {
    std::string out = "[";
    for (const T& one : list) out += (out.size() > 1 ? ", " : "") + text(one);
    return out + "]";
}

std::string text(const KeywordValues& values) {
    std::string out;
    for (const KeywordValue& value : values)
        out += fmt::format("{}{}={}", out.empty() ? "" : ", ", value.keyword,
                           std::visit([](const auto& data) { return text(data); }, value.data));
    return out;
}
std::string text(const std::vector<Section>& sections) {
    std::string out;
    for (const Section& section : sections) {
        out += fmt::format(" {}", section.keyword.empty() ? "-" : section.keyword);
        for (const std::string& name : section.names) out += fmt::format(" '{}'", name);
        out += fmt::format(" {{{}{}}}", text(section.values), text(section.sections));
    }
    return out;
}

// The members that are not as in `usual`.
class Line {
public:
    explicit Line(std::string begin) : text_{std::move(begin)} {}
    template <class T>
    Line& add(const char* name, const CompactVector<T>& value, const CompactVector<T>& usual) {
        return add(name, *value, *usual);
    }
    template <class T>
    Line& add(const char* name, const T& value, const T& usual) {
        if (!(value == usual)) text_ += fmt::format("; {} {}", name, text(value));
        return *this;
    }
    template <class T>
    Line& add(const char* name, const CompactOptional<T>& value) {
        if (!(value == T{})) text_ += fmt::format("; {} {}", name, text(*value));
        return *this;
    }
    std::string more(const CompactOptional<ExtraSettings>& more) {
        if (!(more == ExtraSettings{})) text_ += fmt::format("; more {}{}", text(more->values), text(more->sections));
        return text_ + "\n";
    }

private:
    std::string text_;
};

#define MEMBER(name) add(#name, it.name, usual.name)

std::string of(const Global& it) {
    const Global usual;
    return Line{"global"}
        .MEMBER(router_id)
        .MEMBER(notification_email)
        .MEMBER(notification_email_from)
        .MEMBER(smtp_server)
        .MEMBER(smtp_port)
        .MEMBER(smtp_helo_name)
        .MEMBER(smtp_connect_timeout)
        .MEMBER(smtp_alert)
        .MEMBER(smtp_alert_vrrp)
        .MEMBER(smtp_alert_checker)
        .MEMBER(no_email_faults)
        .MEMBER(vrrp_version)
        .MEMBER(vrrp_strict)
        .MEMBER(vrrp_skip_check_adv_addr)
        .MEMBER(vrrp_garp_master_delay)
        .MEMBER(vrrp_garp_master_repeat)
        .MEMBER(vrrp_garp_master_refresh)
        .MEMBER(vrrp_garp_master_refresh_repeat)
        .MEMBER(vrrp_garp_lower_prio_delay)
        .MEMBER(vrrp_garp_lower_prio_repeat)
        .MEMBER(vrrp_garp_interval)
        .MEMBER(vrrp_gna_interval)
        .MEMBER(vrrp_lower_prio_no_advert)
        .MEMBER(vrrp_higher_prio_send_advert)
        .MEMBER(vrrp_down_timer_adverts)
        .MEMBER(vrrp_startup_delay)
        .MEMBER(vrrp_mcast_group4)
        .MEMBER(vrrp_mcast_group6)
        .MEMBER(vrrp_rt_priority)
        .MEMBER(dynamic_interfaces)
        .MEMBER(default_interface)
        .MEMBER(script_user)
        .MEMBER(script_group)
        .MEMBER(enable_script_security)
        .MEMBER(lvs_flush)
        .MEMBER(lvs_flush_on_stop)
        .MEMBER(checker_log_all_failures)
        .more(it.more);
}

std::string of(const char* kind, const VirtualAddress& it) {
    const VirtualAddress usual;
    return Line{fmt::format("  {} {}", kind, text(it.prefix))}
        .MEMBER(dev)
        .MEMBER(label)
        .MEMBER(broadcast)
        .MEMBER(broadcast_all_ones)
        .MEMBER(broadcast_all_zeros)
        .MEMBER(scope)
        .MEMBER(no_track)
        .MEMBER(noprefixroute)
        .more(it.more);
}

std::string of(const VirtualRoute& it) {
    const VirtualRoute usual;
    return Line{fmt::format("  route {}", it.destination)}.MEMBER(via).MEMBER(dev).MEMBER(words).more(it.more);
}

std::string of(const Vmac& it) {
    const Vmac usual;
    if (it == usual) return "";
    return Line{"  vmac"}.MEMBER(enabled).MEMBER(name).MEMBER(mac).MEMBER(group).MEMBER(netlink_notify).more({});
}

std::string of(const Notifies& it) {
    if (it == Notifies{}) return "";
    return Line{"  notify"}
        .add("master", it.master)
        .add("backup", it.backup)
        .add("fault", it.fault)
        .add("stop", it.stop)
        .add("any", it.any)
        .more({});
}

std::string of(const Instance& it) {
    const Instance usual;
    std::string out = Line{fmt::format("instance {}", it.name)}
                          .MEMBER(interface)
                          .MEMBER(virtual_router_id)
                          .MEMBER(priority)
                          .MEMBER(initial_master)
                          .MEMBER(version)
                          .MEMBER(family)
                          .MEMBER(advert_int)
                          .MEMBER(nopreempt)
                          .MEMBER(preempt_delay)
                          .MEMBER(strict)
                          .MEMBER(skip_check_adv_addr)
                          .MEMBER(dont_track_primary)
                          .MEMBER(auth_type)
                          .MEMBER(auth_pass)
                          .MEMBER(source)
                          .MEMBER(unicast_peers)
                          .MEMBER(multicast_group)
                          .MEMBER(track_interfaces)
                          .MEMBER(track_scripts)
                          .MEMBER(garp_master_delay)
                          .MEMBER(garp_master_repeat)
                          .MEMBER(garp_master_refresh)
                          .MEMBER(garp_master_refresh_repeat)
                          .MEMBER(garp_lower_prio_delay)
                          .MEMBER(garp_lower_prio_repeat)
                          .MEMBER(lower_prio_no_advert)
                          .MEMBER(higher_prio_send_advert)
                          .MEMBER(down_timer_adverts)
                          .MEMBER(sync_group)
                          .MEMBER(smtp_alert)
                          .more(it.more);
    for (const auto& one : it.addresses) out += of("address", one);
    for (const auto& one : it.excluded_addresses) out += of("excluded", one);
    for (const auto& one : it.routes) out += of(one);
    return out + of(it.vmac) + of(it.notify);
}

std::string of(const SyncGroup& it) {
    const SyncGroup usual;
    return Line{fmt::format("group {}", it.name)}
               .MEMBER(members)
               .MEMBER(track_interfaces)
               .MEMBER(track_scripts)
               .MEMBER(smtp_alert)
               .more(it.more) +
           of(it.notify);
}

std::string of(const TrackScript& it) {
    const TrackScript usual;
    return Line{fmt::format("script {}", it.name)}
        .MEMBER(command)
        .MEMBER(interval)
        .MEMBER(timeout)
        .MEMBER(weight)
        .MEMBER(reverse)
        .MEMBER(rise)
        .MEMBER(fall)
        .MEMBER(init_fail)
        .more(it.more);
}

std::string of(const Checker& it) {
    const Checker usual;
    std::string out = Line{fmt::format("    check {} {}", static_cast<int>(it.type), text(it.target))}
                          .MEMBER(alpha)
                          .MEMBER(log_all_failures)
                          .MEMBER(misc_dynamic)
                          .MEMBER(enable_sni)
                          .MEMBER(retry)
                          .MEMBER(connect_timeout)
                          .MEMBER(delay_before_retry)
                          .MEMBER(delay_loop)
                          .MEMBER(warmup)
                          .MEMBER(misc_timeout)
                          .add("bind", it.bind)
                          .add("bind_if", it.bind_if)
                          .add("misc_path", it.misc_path)
                          .add("http_protocol", it.http_protocol)
                          .add("sni_name", it.sni_name)
                          .more(it.more);
    for (const HttpUrl& url : *it.urls)
        out += Line{fmt::format("      url {}", url.path)}
                   .add("digest", url.digest, {})
                   .add("status_codes", url.status_codes, {})
                   .add("virtualhost", url.virtualhost, {})
                   .more(url.more);
    return out;
}

std::string of(const RealServer& it) {
    const RealServer usual;
    std::string out = Line{fmt::format("  server {}", text(it.endpoint))}
                          .MEMBER(forwarding)
                          .MEMBER(inhibit_on_failure)
                          .MEMBER(smtp_alert)
                          .MEMBER(weight)
                          .MEMBER(upper_threshold)
                          .MEMBER(lower_threshold)
                          .add("notify_up", it.notify_up)
                          .add("notify_down", it.notify_down)
                          .add("tunnel", it.tunnel)
                          .more(it.more);
    for (const Checker& checker : it.checkers) out += of(checker);
    return out;
}

std::string of(const VirtualServer& it) {
    const VirtualServer usual;
    std::string out = Line{fmt::format("service {}", service_name(it))}
                          .MEMBER(endpoint)
                          .MEMBER(fwmark)
                          .MEMBER(family)
                          .MEMBER(protocol)
                          .MEMBER(scheduler)
                          .MEMBER(scheduler_flags)
                          .MEMBER(persistent)
                          .MEMBER(persistence_timeout)
                          .MEMBER(persistence_netmask)
                          .MEMBER(delay_loop)
                          .MEMBER(alpha)
                          .MEMBER(omega)
                          .MEMBER(inhibit_on_failure)
                          .MEMBER(active_active)
                          .MEMBER(quorum)
                          .MEMBER(hysteresis)
                          .add("quorum_up", it.quorum_up)
                          .add("quorum_down", it.quorum_down)
                          .MEMBER(smtp_alert)
                          .more(it.more);
    for (const GroupEntry& entry : it.membership->entries)
        out += fmt::format("  entry {}-{} port {} mark {} family {}\n", text(entry.first), text(entry.last), entry.port,
                           entry.fwmark, static_cast<int>(entry.family));
    if (it.sorry_server)
        out += fmt::format("  sorry {} forwarding {}{} tunnel {}\n", text(it.sorry_server->endpoint),
                           static_cast<int>(it.sorry_server->forwarding), it.sorry_server->inhibit ? " inhibit" : "",
                           text(it.sorry_server->tunnel));
    for (const RealServer& server : it.real_servers) out += of(server);
    return out;
}

#undef MEMBER

}  // namespace

std::string model_text(const Config& config) {
    std::string out = of(config.global);
    for (const auto& one : config.scripts) out += of(one);
    for (const auto& one : config.instances) out += of(one);
    for (const auto& one : config.sync_groups) out += of(one);
    for (const auto& one : config.virtual_servers) out += of(one);
    if (!(config.more == ExtraSettings{})) out += Line{"file"}.more(config.more);
    return out;
}

}  // namespace mainstay::config::testing
