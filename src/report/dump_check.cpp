// keepalived_check.data, line for line like keepalived 2.2.7's: groups, services with their servers, checks, and what
// FILE_CHECK and BFD_CHECK follow. What differs, and why, stands in tests/support/dumps.py.
#include "dump_check.hpp"

#include <algorithm>

#include "dump_text.hpp"
#include "lvs_settings.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

using config::Checker;

const char* enabled(bool on) { return on ? "enabled" : "disabled"; }

std::string forwarding_text(config::Forwarding forwarding, const config::Tunnel& tunnel) {
    using Forwarding = config::Forwarding;
    using Type = config::Tunnel::Type;
    using Checksum = config::Tunnel::Checksum;
    if (forwarding != Forwarding::Tunnel) return forwarding == Forwarding::Nat ? "NAT" : "DR";
    if (tunnel.type == Type::Ipip) return "TUN, type = IPIP";
    return fmt::format("TUN, type = {}{}, {}", tunnel.type == Type::Gue ? "GUE" : "GRE",
                       tunnel.type == Type::Gue ? fmt::format(", port = {}", tunnel.port) : std::string{},
                       tunnel.checksum == Checksum::Sum      ? "checksum"
                       : tunnel.checksum == Checksum::Remote ? "remote checksum"
                                                             : "no checksum");
}

std::string tls(const config::Config& config) {
    const auto* block = config::find_section(config.more->sections, keyword::ssl);
    if (block == nullptr) {
        const auto is_tls = [](const Checker& check) { return check.type == Checker::Type::Ssl; };
        const bool used = std::ranges::any_of(config.virtual_servers, [&](const config::VirtualServer& service) {
            return std::ranges::any_of(service.real_servers, [&](const config::RealServer& server) {
                return std::ranges::any_of(server.checkers, is_tls);
            });
        });
        return used ? " Using autogen SSL context\n" : "";
    }
    std::string out;
    const auto line = [&](const char* title, const config::KeywordName& keyword) {
        if (const auto path = config::first_word(block->values, keyword); !path.empty())
            out += fmt::format(" {} : {}\n", title, path);
    };
    line("CA-file", keyword::ca);
    line("Certificate file", keyword::certificate);
    line("Key file", keyword::key);
    return out;
}

// -- groups

struct Alive {  // servers, by what their services carry
    int tcp = 0, udp = 0, sctp = 0, v4 = 0, v6 = 0;
};

Alive alive_of(const LvsView& view, const std::string& group) {
    using config::Protocol;
    Alive alive;
    const auto& services = view.config().virtual_servers;
    for (std::size_t i = 0; i < services.size(); ++i) {
        if (*services[i].group != group || view.status(i) == nullptr) continue;
        const auto count = static_cast<int>(std::ranges::count(view.status(i)->servers, true, &ServerStatus::alive));
        const auto protocol = services[i].protocol;
        (protocol == Protocol::Tcp ? alive.tcp : protocol == Protocol::Udp ? alive.udp : alive.sctp) += count;
        (services[i].family == Family::V6 ? alive.v6 : alive.v4) += count;
    }
    return alive;
}

std::string group_lines(const std::string& name, const std::vector<config::GroupEntry>& entries, const Alive& alive) {
    MarginLines out;
    bool v4 = false, v6 = false;
    for (const auto& entry : entries) {
        (entry.family == Family::V6 || (!entry.first.empty() && !entry.first.is_v4()) ? v6 : v4) = true;
        if (entry.fwmark != 0) {
            out.line("FWMARK", entry.fwmark);
            out.further(fmt::format("Alive: {} IPv4, {} IPv6", alive.v4, alive.v6));
        } else {
            const bool range = entry.last != entry.first;
            out.text(range ? fmt::format("VIP Range = {}-{}, VPORT = {}", entry.first.to_string(),
                                         entry.last.to_string(), entry.port)
                           : fmt::format("VIP = {}, VPORT = {}", entry.first.to_string(), entry.port));
            out.further(fmt::format("Alive: {} tcp, {} udp, {} sctp", alive.tcp, alive.udp, alive.sctp));
        }
        out.further("reloaded = False");
    }
    return fmt::format(" {} Virtual Server Group = {}, IPv4 = {}, IPv6 = {}\n{}", section("Virtual server group"), name,
                       yes_or_no(v4), yes_or_no(v6), out.take());
}

std::string groups(const LvsView& view) {
    std::string out;
    const auto& services = view.config().virtual_servers;
    for (const auto& block : view.config().more->sections) {
        if (block.keyword != keyword::virtual_server_group || block.names.empty()) continue;
        const auto& name = block.names.front();
        const auto user = std::ranges::find_if(services, [&](const auto& service) { return *service.group == name; });
        if (user != services.end()) out += group_lines(name, user->membership->entries, alive_of(view, name));
    }
    return out;
}

// -- services

void put_scheduler(MarginLines& out, const config::VirtualServer& service) {
    const auto on = [&](std::uint32_t bit) { return enabled((service.scheduler_flags & bit) != 0); };
    out.line("lvs_sched", service.scheduler);
    out.line("Hashed", "disabled");
    if (service.scheduler == "sh" || service.scheduler == "mh") {
        out.text(fmt::format("{}-port = {}", service.scheduler, on(config::kHashPort)));
        out.text(fmt::format("{}-fallback = {}", service.scheduler, on(config::kHashFallback)));
    } else {
        out.line("flag-1", on(config::kFlag1));
        out.line("flag-2", on(config::kFlag2));
        out.line("flag-3", on(config::kFlag3));
    }
    out.line("One packet scheduling", on(config::kOnePacket));
}

void put_persistence(MarginLines& out, const config::VirtualServer& service) {
    constexpr std::uint32_t kWholeV4 = 0xffff'ffff, kWholeV6 = 128;
    if (!service.persistent) return;
    out.line("persistence timeout", service.persistence_timeout.count());
    const auto mask = service.persistence_netmask;
    if (service.family == Family::V6 && mask != kWholeV6) out.line("persistence granularity", mask);
    if (service.family != Family::V6 && mask != kWholeV4)
        out.line("persistence granularity", IpAddress::v4(mask).to_string());
}

// Of a service or a server; what is not set anywhere has no line.
void put_retry(MarginLines& out, const CheckSettings& settings) {
    if (settings.retry != 0) out.line("Retry count", settings.retry);
    if (settings.delay != Micros{}) out.line("Retry delay", seconds_text(settings.delay));
    if (settings.warmup != Micros{}) out.line("Warmup", seconds_text(settings.warmup));
}

const char* protocol_text(config::Protocol protocol) {
    using config::Protocol;
    return protocol == Protocol::Tcp    ? "TCP"
           : protocol == Protocol::Udp  ? "UDP"
           : protocol == Protocol::Sctp ? "SCTP"
                                        : "none";
}

std::string service_lines(const config::VirtualServer& service, const ServiceStatus* status) {
    MarginLines out;
    const auto settings = settings_of(service);
    out.line("Address family", service.family == Family::V6 ? "inet6" : "inet");
    out.line("connection timeout", seconds_text(settings.connect));
    out.line("delay_loop", seconds_text(settings.loop));
    put_scheduler(out, service);
    put_persistence(out, service);
    out.line("protocol", protocol_text(service.fwmark != 0 ? config::Protocol::None : service.protocol));
    out.text(fmt::format("alpha is {}", on_or_off(service.alpha)));
    out.text(fmt::format("omega is {}", on_or_off(service.omega)));
    put_retry(out, settings);
    out.text(fmt::format("Inhibit on failure is {}", on_or_off(service.inhibit_on_failure)));
    const auto quorum = quorum_in_use(service, status);
    out.text(fmt::format("quorum = {}, hysteresis = {}", quorum.quorum, quorum.hysteresis));
    if (!service.quorum_up.empty()) out.line("Quorum up notify script", quoted_command(service.quorum_up));
    if (!service.quorum_down.empty()) out.line("Quorum down notify script", quoted_command(service.quorum_down));
    if (config::flag(service.more->values, keyword::ha_suspend)) out.text("Using HA suspend");
    out.line("Using smtp notification", yes_or_no(service.smtp_alert));
    if (service.sorry_server) {
        const auto& sorry = *service.sorry_server;
        out.line("sorry server", config::server_name(sorry.endpoint, service.protocol));
        out.further(fmt::format("forwarding method = {}", forwarding_text(sorry.forwarding, sorry.tunnel)));
        out.further(fmt::format("Inhibit on failure is {}", on_or_off(sorry.inhibit)));
    }
    out.line("alive", status != nullptr ? 1 : 0);
    out.line("quorum_state_up", status != nullptr && status->quorum_up ? 1 : 0);
    out.line("reloaded", 0);
    return out.take();
}

// What the checks of a server follow.
void put_followed(MarginLines& out, const LvsView& view, const config::RealServer& server) {
    const auto put = [&](Checker::Type type, const char* title, const auto& text_of) {
        bool has_title = false;
        for (const auto& check : server.checkers) {
            if (check.type != type) continue;
            if (!std::exchange(has_title, true)) out.text(title);
            out.further(text_of(check));
        }
    };
    put(Checker::Type::File, "Tracked Files", [&](const Checker& check) {
        return fmt::format("{}, weight {}", lvs::followed_name(check), text_of(view.rule(check)));
    });
    put(Checker::Type::Bfd, "Tracked BFDs", lvs::followed_name);
}

std::string server_lines(const LvsView& view, const DumpedServer& server) {
    MarginLines out;
    const auto& [service, config, status] = server;
    const auto settings = settings_of(service, config);
    const auto weight = status != nullptr ? status->weight : std::int64_t{config.weight};
    out.text(fmt::format("RIP = {}, RPORT = {}, WEIGHT = {} EFF WEIGHT = {}", config.endpoint.address.to_string(),
                         config.endpoint.port, std::max(weight, std::int64_t{0}), weight));
    out.line("forwarding method", forwarding_text(config.forwarding, config.tunnel));
    out.text(fmt::format("Alpha is {}", on_or_off(settings.alpha)));
    out.line("connection timeout", seconds_text(settings.connect));
    out.line("connection limit range", fmt::format("{} -> {}", config.lower_threshold, config.upper_threshold));
    out.line("Delay loop", seconds_text(settings.loop));
    put_retry(out, settings);
    out.text(fmt::format("Inhibit on failure is {}", on_or_off(config.inhibit_on_failure)));
    if (!config.notify_up.empty())
        out.further(fmt::format("RS up notify script = {}", quoted_command(config.notify_up)));
    if (!config.notify_down.empty())
        out.further(fmt::format("RS down notify script = {}", quoted_command(config.notify_down)));
    out.line("Using smtp notification", yes_or_no(config.smtp_alert));
    out.line("initial weight", config.weight);
    out.line("effective weight", weight);
    out.line("previous effective_weight", 0);
    out.line("alive", status != nullptr && status->alive ? 1 : 0);
    out.line("num failed checkers",
             status != nullptr ? std::ranges::count(status->checks, false, &CheckStatus::up) : 0);
    out.line("RS set", status != nullptr && status->in_table ? 1 : 0);
    out.line("reloaded", 0);
    put_followed(out, view, config);
    return "   " + section("Real server") + out.take();
}

std::string title_of(const config::VirtualServer& service) {
    if (service.fwmark != 0) return fmt::format(" VS FWMARK = {}\n", service.fwmark);
    if (!service.group.empty()) return fmt::format(" VS GROUP = {}\n", config::service_name(service));
    return fmt::format(" VS VIP = {}, VPORT = {}\n", service.endpoint.address.to_string(), service.endpoint.port);
}

std::string topology(const LvsView& view) {
    std::string out = " System is compiled with LVS v1.2.1\n" + groups(view);
    const auto& services = view.config().virtual_servers;
    for (std::size_t i = 0; i < services.size(); ++i) {
        out += " " + section("Virtual server") + title_of(services[i]) + service_lines(services[i], view.status(i));
        for (const auto& server : view.servers(i)) out += server_lines(view, server);
    }
    return out;
}

}  // namespace

LvsView::LvsView(const DumpSource& source)
    : config_{source.config}, states_(source.config.virtual_servers.size()), files_{vrrp::file_trackers(config_)} {
    for (std::size_t i = 0; i < states_.size(); ++i) {
        const auto& service = config_.virtual_servers[i];
        if (source.lvs != nullptr) states_[i] = status_of(*source.lvs, service, i);
        if (names_servers(service)) in_force_.emplace(i, in_force(service, states_[i]));
    }
}

std::vector<DumpedServer> LvsView::servers(std::size_t service) const {
    std::vector<DumpedServer> out;
    const auto named = in_force_.find(service);
    const auto& used = named != in_force_.end() ? named->second : config_.virtual_servers[service];
    for (std::size_t i = 0; i < used.real_servers.size(); ++i)
        out.push_back({used, used.real_servers[i], status_of(states_[service], used.real_servers[i], i)});
    return out;
}

lvs::FileRule LvsView::rule(const config::Checker& check) const {
    const auto file = std::ranges::find(files_, lvs::followed_name(check), &vrrp::FileTracker::name);
    return lvs::rule_of(check, file != files_.end() ? lvs::FileRule{file->weight, file->reverse} : lvs::FileRule{});
}

std::string text_of(const lvs::FileRule& rule) { return fmt::format("{}{}", rule.weight, reversed(rule.reverse)); }

std::string dump_check_data(const DumpSource& source) {
    const LvsView view{source};
    return global_definitions(source, false) + section_if_any("SSL definitions", tls(source.config)) +
           section("LVS Topology") + topology(view) + checker_sections(view);
}

}  // namespace mainstay::report
