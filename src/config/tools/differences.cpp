// Which member of the model holds the value of which keyword. A value that another keyword gives (a check's delay_loop,
// which is its service's) is a value of the member here, and left out where it only follows before and after.
#include "mainstay/config/tools/differences.hpp"

#include <algorithm>
#include <iterator>

#include "import_text.hpp"
#include "mainstay/config/model.hpp"
#include "value_list.hpp"

namespace mainstay::config {
namespace {

void add_notifies(ValueList& v, const Notifies& notify) {
    v.add("notify_master", notify.master);
    v.add("notify_backup", notify.backup);
    v.add("notify_fault", notify.fault);
    v.add("notify_stop", notify.stop);
    v.add("notify", notify.any);
}

template <class Owner>
void add_tracked(ValueList& v, const Owner& owner) {
    const auto weight = [](const auto& one) {
        return one.weight == 0 && !one.reverse ? std::string{}
                                               : fmt::format("weight {}{}", one.weight, one.reverse ? " reverse" : "");
    };
    for (const auto& one : owner.track_interfaces) v.item("track_interface", one.name, weight(one));
    for (const auto& one : owner.track_scripts) v.item("track_script", one.name, weight(one));
}

ValueList values_of(const Global& g) {
    ValueList v{Block::GlobalDefs};
    v.add("router_id", g.router_id);
    for (const auto& address : g.notification_email) v.item("notification_email", address.address);
    v.add("notification_email_from", g.notification_email_from);
    v.put("smtp_server", g.smtp_server.empty() ? "" : fmt::format("{} {}", g.smtp_server, g.smtp_port));
    v.add("smtp_helo_name", g.smtp_helo_name);
    v.add("smtp_connect_timeout", g.smtp_connect_timeout);
    v.add("smtp_alert", g.smtp_alert);
    v.add("smtp_alert_vrrp", g.smtp_alert_vrrp);
    v.add("smtp_alert_checker", g.smtp_alert_checker);
    v.add("no_email_faults", g.no_email_faults);
    v.add("vrrp_version", g.vrrp_version);
    v.add("vrrp_strict", g.vrrp_strict);
    v.add("vrrp_skip_check_adv_addr", g.vrrp_skip_check_adv_addr);
    v.add("vrrp_garp_master_delay", g.vrrp_garp_master_delay);
    v.add("vrrp_garp_master_repeat", g.vrrp_garp_master_repeat);
    v.add("vrrp_garp_master_refresh", g.vrrp_garp_master_refresh);
    v.add("vrrp_garp_master_refresh_repeat", g.vrrp_garp_master_refresh_repeat);
    v.add("vrrp_garp_lower_prio_delay", g.vrrp_garp_lower_prio_delay);
    v.add("vrrp_garp_lower_prio_repeat", g.vrrp_garp_lower_prio_repeat);
    v.add("vrrp_garp_interval", g.vrrp_garp_interval);
    v.add("vrrp_gna_interval", g.vrrp_gna_interval);
    v.add("vrrp_lower_prio_no_advert", g.vrrp_lower_prio_no_advert);
    v.add("vrrp_down_timer_adverts", g.vrrp_down_timer_adverts);
    v.add("vrrp_startup_delay", g.vrrp_startup_delay);
    v.add("vrrp_mcast_group4", g.vrrp_mcast_group4);
    v.add("vrrp_mcast_group6", g.vrrp_mcast_group6);
    v.add("vrrp_rt_priority", g.vrrp_rt_priority);
    v.add("dynamic_interfaces", g.dynamic_interfaces);
    v.add("default_interface", g.default_interface);
    v.add("script_user", g.script_group.empty() ? g.script_user : g.script_user + ":" + g.script_group);
    v.add("enable_script_security", g.enable_script_security);
    v.add("lvs_flush", g.lvs_flush);
    static constexpr const char* kFlush[] = {"off", "VS", "on"};
    v.add("lvs_flush_on_stop",
          std::string{kFlush[std::min<std::size_t>(static_cast<std::size_t>(g.lvs_flush_on_stop), 2)]});
    v.add("checker_log_all_failures", g.checker_log_all_failures);
    v.more(*g.more);
    return v;
}

void add_vmac(ValueList& v, const Vmac& vmac) {
    if (!vmac.enabled) return;
    std::string text;
    for (const std::string* word : {&vmac.name, &vmac.mac}) text += (text.empty() || word->empty() ? "" : " ") + *word;
    if (vmac.netlink_notify) text += (text.empty() ? "" : " ") + std::string{"netlink_notify_msg"};
    if (!vmac.group.empty()) text += (text.empty() ? "group " : " group ") + vmac.group;
    v.put("use_vmac", text.empty() ? std::string{"on"} : text);
}

ValueList values_of(const Instance& i) {
    ValueList v{Block::Instance};
    v.add("state", std::string{i.initial_master ? "MASTER" : "BACKUP"});
    v.add("interface", i.interface);
    v.add("virtual_router_id", i.virtual_router_id);
    v.add("priority", i.priority);
    v.add("version", i.version);
    v.add("advert_int", i.advert_int);
    v.add("nopreempt", i.nopreempt);
    v.add("preempt_delay", i.preempt_delay);
    v.add("strict_mode", i.strict);
    v.add("skip_check_adv_addr", i.skip_check_adv_addr);
    v.add("dont_track_primary", i.dont_track_primary);
    static constexpr const char* kTypes[] = {"", "PASS", "AH"};
    v.inside(Block::Authentication, "authentication", [&] {
        v.add("auth_type", std::string{kTypes[std::min<std::size_t>(static_cast<std::size_t>(i.auth_type), 2)]});
        v.add("auth_pass", i.auth_pass);
    });
    v.add(i.unicast_peers.empty() ? "mcast_src_ip" : "unicast_src_ip", i.source);
    for (const auto& peer : i.unicast_peers)
        v.item("unicast_peer", peer.address.to_string(),
               peer.min_ttl == 0 && peer.max_ttl == 255
                   ? std::string{}
                   : fmt::format("min_ttl {} max_ttl {}", +peer.min_ttl, +peer.max_ttl));
    v.add("mcast_dst_ip", i.multicast_group);
    add_tracked(v, i);
    v.add("garp_master_delay", i.garp_master_delay);
    v.add("garp_master_repeat", i.garp_master_repeat);
    v.add("garp_master_refresh", i.garp_master_refresh);
    v.add("garp_master_refresh_repeat", i.garp_master_refresh_repeat);
    v.add("garp_lower_prio_delay", i.garp_lower_prio_delay);
    v.add("garp_lower_prio_repeat", i.garp_lower_prio_repeat);
    v.add("lower_prio_no_advert", i.lower_prio_no_advert);
    v.add("higher_prio_send_advert", i.higher_prio_send_advert);
    v.add("down_timer_adverts", i.down_timer_adverts);
    add_notifies(v, i.notify);
    v.add("smtp_alert", i.smtp_alert);
    add_vmac(v, i.vmac);
    v.more(*i.more);
    return v;
}

ValueList values_of(const VirtualAddress& a) {
    ValueList v{Block::VirtualAddresses};
    v.add("label", a.label);
    v.add("broadcast", a.broadcast_all_ones    ? std::string{"+"}
                       : a.broadcast_all_zeros ? std::string{"-"}
                                               : value_text(a.broadcast));
    v.add("scope", a.scope);
    v.add("no_track", a.no_track);
    v.add("noprefixroute", a.noprefixroute);
    v.more(*a.more);
    return v;
}

ValueList values_of(const SyncGroup& g) {
    ValueList v{Block::SyncGroup};
    for (const auto& member : g.members) v.item("group", member);
    add_tracked(v, g);
    add_notifies(v, g.notify);
    v.add("smtp_alert", g.smtp_alert);
    v.more(*g.more);
    return v;
}

ValueList values_of(const TrackScript& s) {
    ValueList v{Block::Script};
    v.add("script", s.command);
    v.add("interval", s.interval);
    v.add_own("timeout", s.timeout, s.interval);
    v.put("weight", fmt::format("{}{}", s.weight, s.reverse ? " reverse" : ""));
    v.add("rise", s.rise);
    v.add("fall", s.fall);
    v.add("init_fail", s.init_fail);
    v.more(*s.more);
    return v;
}

void add_flags(ValueList& v, const VirtualServer& s) {
    const bool hashed = s.scheduler == "sh" || s.scheduler == "mh";
    v.add("ops", (s.scheduler_flags & kOnePacket) != 0);
    v.add(hashed ? s.scheduler + "-fallback" : "flag-1", (s.scheduler_flags & kFlag1) != 0);
    v.add(hashed ? s.scheduler + "-port" : "flag-2", (s.scheduler_flags & kFlag2) != 0);
    v.add("flag-3", (s.scheduler_flags & kFlag3) != 0);
}

std::string mask_text(const VirtualServer& s) {
    const std::uint32_t mask = s.persistence_netmask;
    if (s.family == Family::V6) return std::to_string(mask);
    return fmt::format("{}.{}.{}.{}", mask >> 24, mask >> 16 & 0xff, mask >> 8 & 0xff, mask & 0xff);
}

ValueList values_of(const VirtualServer& s) {
    ValueList v{Block::Service};
    v.add("lb_algo", s.scheduler);
    add_flags(v, s);
    v.put("persistence_timeout", s.persistent ? value_text(s.persistence_timeout) : std::string{});
    v.put("persistence_granularity", mask_text(s));
    v.add("delay_loop", s.delay_loop);
    v.add("alpha", s.alpha);
    v.add("omega", s.omega);
    v.add("inhibit_on_failure", s.inhibit_on_failure);
    v.add("quorum", s.quorum);
    v.add("hysteresis", s.hysteresis);
    v.add("quorum_up", s.quorum_up);
    v.add("quorum_down", s.quorum_down);
    v.add("smtp_alert", s.smtp_alert);
    v.add("active_active", s.active_active);
    if (s.sorry_server) {
        v.add("sorry_server", s.sorry_server->endpoint.to_string());
        v.add("sorry_server_inhibit", s.sorry_server->inhibit);
        v.put("sorry_server_lvs_method", method_words(s.sorry_server->forwarding, s.sorry_server->tunnel));
    }
    v.more(*s.more);
    return v;
}

ValueList values_of(const RealServer& s, std::string_view forwarding) {
    ValueList v{Block::RealServer};
    v.add("weight", s.weight);
    v.put(forwarding, method_words(s.forwarding, *s.tunnel));
    v.add("uthreshold", s.upper_threshold);
    v.add("lthreshold", s.lower_threshold);
    v.add("inhibit_on_failure", s.inhibit_on_failure);
    v.add("notify_up", s.notify_up);
    v.add("notify_down", s.notify_down);
    v.add("smtp_alert", s.smtp_alert);
    v.more(*s.more);
    return v;
}

// ---- checks --------------------------------------------------------------------------------------------------------

Block block_of(const Checker& check) {
    static constexpr Block kOfTypes[] = {Block::TcpCheck,  Block::HttpGet,  Block::SslGet,    Block::SmtpCheck,
                                         Block::DnsCheck,  Block::UdpCheck, Block::PingCheck, Block::MiscCheck,
                                         Block::FileCheck, Block::BfdCheck, Block::GrpcCheck, Block::AgentCheck};
    return kOfTypes[std::min(static_cast<std::size_t>(check.type), std::size(kOfTypes) - 1)];
}

std::string keyword_of(const Checker& check) {
    const std::string_view path = path_of(block_of(check));
    return std::string{path.substr(path.rfind('/') + 1)};
}

void add_url(ValueList& v, const HttpUrl& url) {
    v.add("path", url.path);
    v.add("digest", url.digest);
    WordList codes;
    for (const auto& code : url.status_codes)
        codes.push_back(code.from == code.to ? std::to_string(code.from) : fmt::format("{}-{}", code.from, code.to));
    v.add("status_code", codes);
    v.add("virtualhost", url.virtualhost);
    v.more(*url.more);
}

void add_check(ValueList& v, const Checker& c) {
    v.add("connect_ip", c.target.address);
    v.add("connect_port", c.target.port);
    if (const auto& bind = *c.bind) {
        v.add("bindto", bind->address);
        if (bind->port != 0) v.add("bind_port", bind->port);
    }
    v.add("bind_if", c.bind_if);
    v.add("connect_timeout", c.connect_timeout);
    v.add("retry", c.retry);
    v.add_own("delay_before_retry", c.delay_before_retry, c.delay_loop);
    v.add("delay_loop", c.delay_loop);
    v.add_own("warmup", c.warmup, c.delay_loop);
    v.add("alpha", c.alpha);
    v.add("log_all_failures", c.log_all_failures);
    v.add("misc_path", WordList{c.misc_path->argv});
    v.put("user", c.misc_path->group.empty() ? c.misc_path->user : c.misc_path->user + " " + c.misc_path->group);
    v.add_own("misc_timeout", c.misc_timeout, c.delay_loop);
    v.add("misc_dynamic", c.misc_dynamic);
    v.add("http_protocol", c.http_protocol);
    v.add("enable_sni", c.enable_sni);
    v.add("sni_name", c.sni_name);
    v.more(*c.more);
    const Block inside = c.type == Checker::Type::Ssl ? Block::SslUrl : Block::HttpUrl;
    std::size_t number = 0;
    for (const HttpUrl& url : *c.urls)
        v.inside(inside, ++number == 1 ? "url" : fmt::format("url {}", number), [&] { add_url(v, url); });
}

ValueList values_of(const Checker& check) {
    const Block block = block_of(check);
    ValueList v{block};
    v.inside(block, keyword_of(check), [&] { add_check(v, check); });
    return v;
}

using Checks = std::vector<const Checker*>;

// Takes from both lists those that correspond.
template <class F>
void pair_up(Checks& before, Checks& after, F&& same, Differences& result) {
    for (auto at = after.begin(); at != after.end();) {
        const auto old = std::ranges::find_if(before, [&](const Checker* one) { return same(*one, **at); });
        if (old == before.end()) {
            ++at;
            continue;
        }
        std::ranges::move(compare(values_of(**old), values_of(**at)), std::back_inserter(result));
        before.erase(old);
        at = after.erase(at);
    }
}

}  // namespace

Differences differences(const Global& before, const Global& after) {
    return compare(values_of(before), values_of(after));
}

Differences differences(const Instance& before, const Instance& after) {
    return compare(values_of(before), values_of(after));
}

Differences differences(const VirtualAddress& before, const VirtualAddress& after) {
    return compare(values_of(before), values_of(after));
}

Differences differences(const SyncGroup& before, const SyncGroup& after) {
    return compare(values_of(before), values_of(after));
}

Differences differences(const TrackScript& before, const TrackScript& after) {
    return compare(values_of(before), values_of(after));
}

Differences differences(const VirtualServer& before, const VirtualServer& after) {
    return compare(values_of(before), values_of(after));
}

Differences differences(const RealServer& before, const RealServer& after, std::string_view forwarding) {
    return compare(values_of(before, forwarding), values_of(after, forwarding));
}

Differences check_differences(const RealServer& before, const RealServer& after) {
    Checks old, now;
    for (const Checker& check : before.checkers) old.push_back(&check);
    for (const Checker& check : after.checkers) now.push_back(&check);
    Differences result;
    pair_up(old, now, [](const Checker& a, const Checker& b) { return a == b; }, result);
    pair_up(
        old, now, [](const Checker& a, const Checker& b) { return a.type == b.type && a.target == b.target; }, result);
    pair_up(old, now, [](const Checker& a, const Checker& b) { return a.type == b.type; }, result);
    const bool none_left = after.checkers.empty();
    for (const Checker* gone : old) {
        const std::string name = keyword_of(*gone);
        result.push_back({.keyword = name,
                          .text = name + " removed" + (none_left ? ": no check is left, the server is always up" : ""),
                          .now = {},
                          .worse = true});
    }
    for (const Checker* added : now) {
        const std::string name = keyword_of(*added);
        result.push_back({.keyword = name, .text = name + " added", .now = {}, .worse = false});
    }
    worse_first(result);
    return result;
}

Differences differences(Block block, const ExtraSettings& before, const ExtraSettings& after) {
    ValueList old{block}, now{block};
    old.more(before);
    now.more(after);
    return compare(old, now);
}

}  // namespace mainstay::config
