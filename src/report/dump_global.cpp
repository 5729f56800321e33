// The section of the global definitions, in keepalived's lines and order (2.2.7). Lines about what mainstay has not
// (libnftnl, numbers of accounts) are left out; tests/support/dumps.py has the list.
#include <cmath>

#include "config_text.hpp"
#include "dump_text.hpp"
#include "mainstay/config/validate/sync_daemon.hpp"
#include "mainstay/vrrp/filter.hpp"

namespace mainstay::report {

namespace {

using config::Global;

constexpr std::uint32_t kUnset = 0xffff'ffff;  // as keepalived shows what only its VRRP process works out

class Lines {
public:
    explicit Lines(const config::Config& config) : config_{config}, values_{config.global.more->values} {}

    template <class T>
    void line(std::string_view name, const T& value) {
        put_line(out_, " ", name, value);
    }
    void text(std::string_view words) { out_.append(" ").append(words).append("\n"); }
    // The value of a keyword without a member, or what keepalived takes instead.
    [[nodiscard]] std::int64_t number(const char* keyword, std::int64_t usual) const {
        return config::value_of<std::int64_t>(values_, keyword).value_or(usual);
    }
    [[nodiscard]] bool on(const char* keyword) const { return config::flag(values_, keyword); }
    [[nodiscard]] std::string word(const char* keyword) const { return config::first_word(values_, keyword); }
    [[nodiscard]] Micros time(const char* keyword, Micros usual) const {
        return config::value_of<Micros>(values_, keyword).value_or(usual);
    }
    void names();
    void mail();
    void lvs();
    void sync_daemon();
    void scripts_and_fifos();
    void vrrp(bool of_vrrp);
    void firewall();
    void processes();
    void snmp_and_dbus();
    void buffers();
    [[nodiscard]] std::string take() { return std::move(out_); }

private:
    void fifo(const char* name, const char* keyword) {
        if (!word(keyword).empty()) line(name, word(keyword));
        const std::string script = std::string{keyword} + "_script";
        if (const auto command = config::value_of<config::Command>(values_, script); command && !command->empty())
            line(fmt::format("{} script", name).c_str(), quoted_command(*command));
    }
    void process(const char* name, const std::string& prefix, std::optional<int> realtime);

    const config::Config& config_;
    const config::KeywordValues& values_;
    const Global& global_ = config_.global;
    std::string out_ = section("Global definitions");
};

void Lines::names() {
    const auto name_space = config::first_word(config_.more->values, "net_namespace");
    line("Network namespace", name_space.empty() ? "(default)" : name_space);
    const auto ipvs = config::first_word(config_.more->values, "net_namespace_ipvs");
    line("Network namespace ipvs", ipvs.empty() ? "(main namespace)" : ipvs);
    if (!global_.router_id.empty()) line("Router ID", global_.router_id);
}

const char* on_off_or_unset(const std::optional<bool>& value) { return !value ? "unset" : *value ? "on" : "off"; }

void Lines::mail() {
    if (!global_.smtp_server.empty()) {
        line("Smtp server", global_.smtp_server);
        line("Smtp server port", global_.smtp_port);
        if (!global_.smtp_helo_name.empty()) line("Smtp HELO name", global_.smtp_helo_name);
        line("Smtp server connection timeout", global_.smtp_connect_timeout.count());
    }
    if (const auto& from = global_.notification_email_from; !from.address.empty())
        line("Email notification from", to_text(from));
    if (!global_.notification_email.empty()) text("Email notification to:");
    for (const auto& address : global_.notification_email) out_ += fmt::format("   {}\n", to_text(address));
    line("Default smtp_alert", on_off_or_unset(global_.smtp_alert));
    line("Default smtp_alert_vrrp", on_off_or_unset(global_.smtp_alert_vrrp));
    line("Default smtp_alert_checker", on_off_or_unset(global_.smtp_alert_checker));
    line("Checkers log all failures", true_or_false(global_.checker_log_all_failures));
}

// In 2.2.7 the timeout of UDP has the name of TCP's.
void Lines::lvs() {
    if (const auto* times = config::find_section(global_.more->sections, "lvs_timeouts"))
        for (const auto& [keyword, name] :
             {std::pair{"tcp", "LVS TCP timeout"}, std::pair{"tcpfin", "LVS TCP FIN timeout"},
              std::pair{"udp", "LVS TCP timeout"}})
            if (const auto value = config::value_of<Micros>(times->values, keyword))
                line(name, value->count() / 1'000'000);
    line("Disable local IGMP", yes_or_no(on("disable_local_igmp")));
}

void Lines::sync_daemon() {
    const auto daemon = config::sync_daemon(config_);
    if (!daemon) return;
    if (!daemon->instance.empty()) line("LVS syncd vrrp name", daemon->instance);
    line("LVS syncd interface", daemon->interface);
    line("LVS syncd syncid", static_cast<int>(daemon->id));
    if (daemon->maxlen != 0) line("LVS syncd maxlen", daemon->maxlen);
    if (daemon->group) text(fmt::format("LVS mcast group {}", daemon->group->to_string()));
    if (daemon->port != 0) line("LVS syncd mcast port", daemon->port);
    if (daemon->ttl != 0) line("LVS syncd mcast ttl", static_cast<int>(daemon->ttl));
}

void Lines::scripts_and_fifos() {
    line("LVS flush", true_or_false(global_.lvs_flush));
    using Flush = Global::FlushOnStop;
    line("LVS flush on stop", global_.lvs_flush_on_stop == Flush::No         ? "disabled"
                              : global_.lvs_flush_on_stop == Flush::Services ? "VS"
                                                                             : "full");
    fifo("Global notify fifo", "notify_fifo");
    fifo("VRRP notify fifo", "vrrp_notify_fifo");
    fifo("LVS notify fifo", "lvs_notify_fifo");
    line("FIFO write vrrp states on reload", true_or_false(on("fifo_write_vrrp_states_on_reload")));
    line("VRRP notify priority changes", true_or_false(on("vrrp_notify_priority_changes")));
}

void Lines::vrrp(bool of_vrrp) {
    const auto seconds = [](Micros time) { return time.count() / 1'000'000; };
    const auto group = [](const std::optional<IpAddress>& address, const char* usual) {
        return address ? address->to_string() : std::string{usual};
    };
    line("VRRP IPv4 mcast group", group(global_.vrrp_mcast_group4, "224.0.0.18"));
    line("VRRP IPv6 mcast group", group(global_.vrrp_mcast_group6, "ff02::12"));
    line("Gratuitous ARP delay", seconds(global_.vrrp_garp_master_delay));
    line("Gratuitous ARP repeat", global_.vrrp_garp_master_repeat);
    line("Gratuitous ARP refresh timer", seconds(global_.vrrp_garp_master_refresh));
    line("Gratuitous ARP refresh repeat", global_.vrrp_garp_master_refresh_repeat);
    const auto& delay = global_.vrrp_garp_lower_prio_delay;
    const auto& repeat = global_.vrrp_garp_lower_prio_repeat;
    line("Gratuitous ARP lower priority delay", delay     ? seconds(*delay)
                                                : of_vrrp ? seconds(global_.vrrp_garp_master_delay)
                                                          : std::int64_t{kUnset});
    line("Gratuitous ARP lower priority repeat", repeat ? *repeat : of_vrrp ? global_.vrrp_garp_master_repeat : kUnset);
    line("Num adverts before down", global_.vrrp_down_timer_adverts);
    line("Gratuitous ARP for each secondary VMAC", fmt::format("{}s", seconds(time("vrrp_vmac_garp_intvl", {}))));
    line("Send advert after receive lower priority advert", true_or_false(!global_.vrrp_lower_prio_no_advert));
    line("Send advert after receive higher priority advert", true_or_false(global_.vrrp_higher_prio_send_advert));
    line("Gratuitous ARP interval", seconds_text(global_.vrrp_garp_interval));
    line("Gratuitous NA interval", seconds_text(global_.vrrp_gna_interval));
    line("VRRP default protocol version", static_cast<int>(global_.vrrp_version));
}

// keepalived writes of nftables what it uses: with the keyword, or because an instance needs rules.
void Lines::firewall() {
    if (!config::find_value(values_, "nftables")) {
        const bool vmacs = std::ranges::any_of(config_.instances, [](const auto& i) { return i.vmac->enabled; });
        if (vrrp::choose_firewall(config_, vmacs, false).kind != vrrp::Firewall::Nftables) return;
    }
    const auto name = word("nftables");
    line("nftables table name", name.empty() ? "keepalived" : name);
    line("nftables base chain priority", number("nftables_priority", -1));
    text(on("nftables_ifindex") ? "nftables force use ifindex for link local IPv6"
                                : "nftables don't force use ifindex for link local IPv6");
}

void Lines::process(const char* name, const std::string& prefix, std::optional<int> realtime) {
    const auto entry = [&](const char* what, const auto& value) {
        line(fmt::format("{} {}", name, what).c_str(), value);
    };
    entry("process priority", number((prefix + "_priority").c_str(), 0));
    entry("don't swap", true_or_false(on((prefix + "_no_swap").c_str())));
    entry("realtime priority", realtime.value_or(static_cast<int>(number((prefix + "_rt_priority").c_str(), 0))));
    const std::int64_t limit = number((prefix + "_rlimit_rtime").c_str(), 10'000);
    entry("realtime limit", number((prefix + "_rlimit_rttime").c_str(), limit));
}

void Lines::processes() {
    line("Max auto priority", number("max_auto_priority", 0));
    line("Min auto priority delay", fmt::format("{} usecs", number("min_auto_priority_delay", 1'000'000)));
    process("VRRP", "vrrp", global_.vrrp_rt_priority);
    process("Checker", "checker", std::nullopt);
    process("BFD", "bfd", std::nullopt);
}

void Lines::snmp_and_dbus() {
    const auto snmp = [&](const char* what, bool enabled) {
        text(fmt::format("SNMP {} {}", what, enabled ? "enabled" : "disabled"));
    };
    const bool rfc = on("enable_snmp_rfc");
    snmp("vrrp", on("enable_snmp_vrrp") || on("enable_snmp_keepalived"));
    snmp("checker", on("enable_snmp_checker"));
    snmp("RFCv2", rfc || on("enable_snmp_rfcv2"));
    snmp("RFCv3", rfc || on("enable_snmp_rfcv3"));
    snmp("traps", on("enable_traps"));
    const auto socket = word("snmp_socket");
    line("SNMP socket", socket.empty() ? "default (unix:/var/agentx/master)" : socket);
    text(fmt::format("DBus {}", on("enable_dbus") ? "enabled" : "disabled"));
    line("DBus service name", word("dbus_service_name"));
    text(fmt::format("Script security {}", global_.enable_script_security ? "enabled" : "disabled"));
}

void Lines::buffers() {
    for (const char* socket :
         {"vrrp_netlink_cmd", "vrrp_netlink_monitor", "process_monitor", "lvs_netlink_cmd", "lvs_netlink_monitor"}) {
        const std::string size = fmt::format("{}_rcv_bufs", socket), force = size + "_force";
        line(size.c_str(), number(size.c_str(), 0));
        line(force.c_str(), on(force.c_str()) ? 1 : 0);
    }
    line("rs_init_notifies", on("rs_init_notifies") ? 1 : 0);
    line("no_checker_emails", on("no_checker_emails") ? 1 : 0);
    line("rx_bufs_multiples", number("vrrp_rx_bufs_multiplier", 3));
    line("umask", fmt::format("{:04o}", number("umask", 0177)));
}

}  // namespace

std::string global_definitions(const config::Config& config, bool of_vrrp) {
    Lines lines{config};
    const Global& global = config.global;
    lines.names();
    lines.mail();
    lines.text("No test config before reload");
    lines.line("Dynamic interfaces", true_or_false(global.dynamic_interfaces));
    if (global.no_email_faults) lines.line("Send emails for fault transitions", "off");
    if (of_vrrp) lines.line("Default interface", global.default_interface);
    lines.lvs();
    lines.sync_daemon();
    lines.scripts_and_fifos();
    lines.vrrp(of_vrrp);
    if (of_vrrp) lines.firewall();
    lines.text(lines.on("nftables_counters") ? "nftables with counters" : "nftables without counters");
    lines.line("VRRP check unicast_src", true_or_false(lines.on("vrrp_check_unicast_src")));
    lines.line("VRRP skip check advert addresses", true_or_false(global.vrrp_skip_check_adv_addr));
    lines.line("VRRP strict mode", true_or_false(global.vrrp_strict));
    lines.processes();
    lines.snmp_and_dbus();
    lines.buffers();
    return lines.take();
}

}  // namespace mainstay::report
