// The section of the global definitions, in keepalived's lines and order (2.2.7). Lines about what mainstay has not
// (libnftnl, numbers of accounts) are left out; tests/support/dumps.py has the list.
#include <cmath>

#include "dump_text.hpp"
#include "lvs_settings.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/net_namespace.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/vrrp/filter.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

using config::Global;

constexpr std::uint32_t kUnset = 0xffff'ffff;  // as keepalived shows what only its VRRP process works out

class Lines {
public:
    explicit Lines(const DumpSource& source)
        : config_{source.config},
          values_{config_.global.more->values},
          host_name_{source.host_name},
          named_{source.net_namespace} {}

    template <class T>
    void line(std::string_view name, const T& value) {
        put_line(out_, " ", name, value);
    }
    void text(std::string_view words) { out_.append(" ").append(words).append("\n"); }
    // The value of a keyword without a member, or what keepalived takes instead.
    [[nodiscard]] std::int64_t number(const config::Keyword<std::int64_t>& keyword, std::int64_t usual) const {
        return config::value_of(values_, keyword).value_or(usual);
    }
    [[nodiscard]] std::int64_t number(const config::DefaultedKeyword<std::int64_t>& keyword) const {
        return config::value_or_default(values_, keyword);
    }
    [[nodiscard]] bool on(const config::Keyword<bool>& keyword) const { return config::flag(values_, keyword); }
    [[nodiscard]] std::string word(const config::Keyword<config::WordList>& keyword) const {
        return config::first_word(values_, keyword);
    }
    [[nodiscard]] Micros time(const config::Keyword<Micros>& keyword, Micros usual) const {
        return config::value_of(values_, keyword).value_or(usual);
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
    void fifo(const char* name, const config::Keyword<config::WordList>& keyword,
              const config::Keyword<config::Command>& script) {
        if (!word(keyword).empty()) line(name, word(keyword));
        if (const auto command = config::value_of(values_, script); command && !command->empty())
            line(fmt::format("{} script", name).c_str(), quoted_command(*command));
    }
    void process(const char* name, const config::ProcessKeywords& keywords);

    const config::Config& config_;
    const config::KeywordValues& values_;
    const std::string &host_name_, &named_;
    const Global& global_ = config_.global;
    std::string out_ = section("Global definitions");
};

void Lines::names() {
    const auto name_space = config::net_namespace_of(config_, named_);
    line("Network namespace", name_space.empty() ? "(default)" : name_space);
    const auto ipvs = config::first_word(config_.more->values, keyword::net_namespace_ipvs);
    line("Network namespace ipvs", ipvs.empty() ? "(main namespace)" : ipvs);
    line("Router ID", global_.router_id.empty() ? host_name_ : global_.router_id);
}

const char* on_off_or_unset(const std::optional<bool>& value) { return !value ? "unset" : *value ? "on" : "off"; }

void Lines::mail() {
    if (!global_.smtp_server.empty()) {
        line("Smtp server", global_.smtp_server);
        line("Smtp server port", global_.smtp_port);
        line("Smtp HELO name", global_.smtp_helo_name.empty() ? host_name_ : global_.smtp_helo_name);
        line("Smtp server connection timeout", global_.smtp_connect_timeout.count());
    }
    const auto& from = global_.notification_email_from;
    if (!from.address.empty() || !global_.smtp_server.empty()) {
        line("Email notification from", from.address.empty() ? "root@" + host_name_ : to_text(from));
        text("Email notification to:");
        for (const auto& address : global_.notification_email) out_ += fmt::format("   {}\n", to_text(address));
    }
    line("Default smtp_alert", on_off_or_unset(global_.smtp_alert));
    line("Default smtp_alert_vrrp", on_off_or_unset(global_.smtp_alert_vrrp));
    line("Default smtp_alert_checker", on_off_or_unset(global_.smtp_alert_checker));
    line("Checkers log all failures", true_or_false(global_.checker_log_all_failures));
}

// In 2.2.7 the timeout of UDP has the name of TCP's.
void Lines::lvs() {
    if (const auto* times = config::find_section(global_.more->sections, keyword::lvs_timeouts))
        for (const auto& [keyword, name] :
             {std::pair{keyword::tcp, "LVS TCP timeout"}, std::pair{keyword::tcpfin, "LVS TCP FIN timeout"},
              std::pair{keyword::udp, "LVS TCP timeout"}})
            if (const auto value = config::value_of(times->values, keyword)) line(name, value->count() / 1'000'000);
    line("Disable local IGMP", yes_or_no(on(keyword::disable_local_igmp)));
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
    fifo("Global notify fifo", keyword::notify_fifo, keyword::notify_fifo_script);
    fifo("VRRP notify fifo", keyword::vrrp_notify_fifo, keyword::vrrp_notify_fifo_script);
    fifo("LVS notify fifo", keyword::lvs_notify_fifo, keyword::lvs_notify_fifo_script);
    line("FIFO write vrrp states on reload", true_or_false(on(keyword::fifo_write_vrrp_states_on_reload)));
    line("VRRP notify priority changes", true_or_false(on(keyword::vrrp_notify_priority_changes)));
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
    line("Gratuitous ARP for each secondary VMAC",
         fmt::format("{}s", seconds(time(keyword::vrrp_vmac_garp_intvl, {}))));
    line("Send advert after receive lower priority advert", true_or_false(!global_.vrrp_lower_prio_no_advert));
    line("Send advert after receive higher priority advert", true_or_false(global_.vrrp_higher_prio_send_advert));
    line("Gratuitous ARP interval", seconds_text(global_.vrrp_garp_interval));
    line("Gratuitous NA interval", seconds_text(global_.vrrp_gna_interval));
    line("VRRP default protocol version", static_cast<int>(global_.vrrp_version));
}

// keepalived writes of nftables what it uses: with the keyword, or because an instance needs rules.
void Lines::firewall() {
    if (!config::find_value(values_, keyword::nftables)) {
        const bool vmacs = std::ranges::any_of(config_.instances, [](const auto& i) { return i.vmac->enabled; });
        if (vrrp::choose_firewall(config_, vmacs, false).kind != vrrp::Firewall::Nftables) return;
    }
    const auto name = word(keyword::nftables);
    line("nftables table name", name.empty() ? "keepalived" : name);
    line("nftables base chain priority", number(keyword::nftables_priority));
    text(on(keyword::nftables_ifindex) ? "nftables force use ifindex for link local IPv6"
                                       : "nftables don't force use ifindex for link local IPv6");
}

void Lines::process(const char* name, const config::ProcessKeywords& keywords) {
    const auto entry = [&](const char* what, const auto& value) {
        line(fmt::format("{} {}", name, what).c_str(), value);
    };
    entry("process priority", number(keywords.priority, 0));
    entry("don't swap", true_or_false(on(keywords.no_swap)));
    entry("realtime priority",
          keywords.rt_priority ? number(*keywords.rt_priority, 0) : global_.vrrp_rt_priority.value_or(0));
    const std::int64_t limit = number(keywords.rlimit_rtime, 10'000);
    entry("realtime limit", number(keywords.rlimit_rttime, limit));
}

void Lines::processes() {
    line("Max auto priority", number(keyword::max_auto_priority, 0));
    line("Min auto priority delay", fmt::format("{} usecs", number(keyword::min_auto_priority_delay)));
    process("VRRP", config::kVrrpProcess);
    process("Checker", config::kCheckerProcess);
    process("BFD", config::kBfdProcess);
}

void Lines::snmp_and_dbus() {
    const auto snmp = [&](const char* what, bool enabled) {
        text(fmt::format("SNMP {} {}", what, enabled ? "enabled" : "disabled"));
    };
    const bool rfc = on(keyword::enable_snmp_rfc);
    snmp("vrrp", on(keyword::enable_snmp_vrrp) || on(keyword::enable_snmp_keepalived));
    snmp("checker", on(keyword::enable_snmp_checker));
    snmp("RFCv2", rfc || on(keyword::enable_snmp_rfcv2));
    snmp("RFCv3", rfc || on(keyword::enable_snmp_rfcv3));
    snmp("traps", on(keyword::enable_traps));
    const auto socket = word(keyword::snmp_socket);
    line("SNMP socket", socket.empty() ? "default (unix:/var/agentx/master)" : socket);
    text(fmt::format("DBus {}", on(keyword::enable_dbus) ? "enabled" : "disabled"));
    line("DBus service name", word(keyword::dbus_service_name));
    text(fmt::format("Script security {}", global_.enable_script_security ? "enabled" : "disabled"));
}

void Lines::buffers() {
    for (const auto& [size, force] :
         {config::kVrrpCommandBuffer, config::kVrrpMonitorBuffer, config::kProcessMonitorBuffer,
          config::kLvsCommandBuffer, config::kLvsMonitorBuffer}) {
        line(size.text, number(size, 0));
        line(force.text, on(force) ? 1 : 0);
    }
    line("rs_init_notifies", on(keyword::rs_init_notifies) ? 1 : 0);
    line("no_checker_emails", on(keyword::no_checker_emails) ? 1 : 0);
    line("rx_bufs_multiples", number(keyword::vrrp_rx_bufs_multiplier));
    line("umask", fmt::format("{:04o}", number(keyword::umask)));
}

}  // namespace

std::string global_definitions(const DumpSource& source, bool of_vrrp) {
    Lines lines{source};
    const Global& global = source.config.global;
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
    lines.text(lines.on(keyword::nftables_counters) ? "nftables with counters" : "nftables without counters");
    lines.line("VRRP check unicast_src", true_or_false(lines.on(keyword::vrrp_check_unicast_src)));
    lines.line("VRRP skip check advert addresses", true_or_false(global.vrrp_skip_check_adv_addr));
    lines.line("VRRP strict mode", true_or_false(global.vrrp_strict));
    lines.processes();
    lines.snmp_and_dbus();
    lines.buffers();
    return lines.take();
}

}  // namespace mainstay::report
