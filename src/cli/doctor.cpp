#include "doctor.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

#include "ctl.hpp"
#include "json_view.hpp"
#include "mainstay/base/script_variables.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/report/problems.hpp"
#include "mainstay/vrrp/track.hpp"
#include "mainstay/vrrp/watch.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

using config::Forwarding;

constexpr std::size_t kOfOneKindMax = 10;  // problems that are listed

bool forwards(const config::Config& config, Forwarding method, Family family) {
    return std::ranges::any_of(config.virtual_servers, [&](const config::VirtualServer& service) {
        return service.family == family &&
               std::ranges::any_of(service.real_servers,
                                   [&](const config::RealServer& server) { return server.forwarding == method; });
    });
}

// The kernel sends ICMP redirects for packets that leave to a NAT server by the interface on which they arrived.
bool one_armed(const config::Config& config, const DoctorFacts::Interface& interface) {
    const auto is_here = [&](const IpAddress& address) {
        return std::ranges::any_of(interface.networks,
                                   [&](const Prefix& network) { return network.contains(address); });
    };
    return std::ranges::any_of(config.virtual_servers, [&](const config::VirtualServer& service) {
        return is_here(service.endpoint.address) &&
               std::ranges::any_of(service.real_servers, [&](const config::RealServer& server) {
                   return server.forwarding == Forwarding::Nat && is_here(server.endpoint.address);
               });
    });
}

void evaluate_ipvs(const DoctorFacts& facts, std::vector<Finding>& found) {
    if (facts.configuration.virtual_servers.empty()) return;
    if (!facts.ipvs_available) {
        constexpr std::string_view kSubject = "IPVS: ";  // of the socket's errors
        std::string_view why = facts.ipvs_problem;
        if (why.starts_with(kSubject)) why.remove_prefix(kSubject.size());
        found.push_back({fmt::format("IPVS cannot be programmed: {}", why),
                         "modprobe ip_vs; for every boot: echo ip_vs > /etc/modules-load.d/ip_vs.conf"});
        return;
    }
    for (const auto& scheduler : facts.missing_schedulers) {
        found.push_back({fmt::format("the kernel has no IPVS scheduler {}", scheduler),
                         fmt::format("modprobe ip_vs_{}, or choose another lb_algo", scheduler)});
    }
}

void evaluate_forwarding(const DoctorFacts& facts, std::vector<Finding>& found) {
    const auto& config = facts.configuration;
    if (facts.ip_forward == 0 && forwards(config, Forwarding::Nat, Family::V4)) {
        found.push_back({"net.ipv4.ip_forward is 0: replies of NAT servers are not forwarded",
                         "sysctl -w net.ipv4.ip_forward=1, and the same line in /etc/sysctl.d/"});
    }
    if (facts.ip6_forward == 0 && forwards(config, Forwarding::Nat, Family::V6)) {
        found.push_back({"net.ipv6.conf.all.forwarding is 0: replies of NAT servers are not forwarded",
                         "sysctl -w net.ipv6.conf.all.forwarding=1, and the same line in /etc/sysctl.d/"});
    }
    const bool nat = forwards(config, Forwarding::Nat, Family::V4);
    const bool tunnel = forwards(config, Forwarding::Tunnel, Family::V4);
    for (const auto& interface : facts.interfaces) {
        if (interface.rp_filter == 1 && (nat || tunnel)) {
            found.push_back(
                {fmt::format("strict reverse path filter on {} (rp_filter is 1): packets that arrive by another "
                             "interface than their replies use are silently dropped",
                             interface.name),
                 fmt::format("sysctl -w net.ipv4.conf.{0}.rp_filter=2 net.ipv4.conf.all.rp_filter=2", interface.name)});
        }
        if (interface.send_redirects == 1 && nat && one_armed(config, interface)) {
            found.push_back(
                {fmt::format("{} sends ICMP redirects: servers and clients on the same network bypass this director",
                             interface.name),
                 fmt::format("sysctl -w net.ipv4.conf.{0}.send_redirects=0 net.ipv4.conf.all.send_redirects=0",
                             interface.name)});
        }
    }
}

// Whether adverts of the family leave by the interface, from an address of its own: a VMAC has one itself.
bool sends_from(const config::Config& config, const std::string& interface, Family family) {
    return std::ranges::any_of(config.instances, [&](const config::Instance& one) {
        return one.interface == interface && one.family == family && !one.source &&
               (family == Family::V4 || (!one.vmac->enabled && !vrrp::has_peer_beyond_link(one)));
    });
}

void evaluate_sources(const DoctorFacts& facts, const DoctorFacts::Interface& interface, std::vector<Finding>& found) {
    if (!interface.has_ipv4 && sends_from(facts.configuration, interface.name, Family::V4))
        found.push_back(
            {fmt::format("interface {} has no IPv4 address to send advertisements from", interface.name),
             fmt::format("assign an address to {}, or set unicast_src_ip in the instance", interface.name)});
    const bool has_link_local = std::ranges::any_of(
        interface.networks, [](const Prefix& network) { return network.address.is_link_local_v6(); });
    if (!has_link_local && sends_from(facts.configuration, interface.name, Family::V6))
        found.push_back(
            {fmt::format("interface {} has no link-local IPv6 address to send advertisements from", interface.name),
             fmt::format("let the kernel make one: sysctl -w net.ipv6.conf.{0}.disable_ipv6=0 "
                         "net.ipv6.conf.{0}.addr_gen_mode=0; or assign one: ip address add fe80::2/64 dev {0}",
                         interface.name)});
}

void evaluate_interfaces(const DoctorFacts& facts, std::vector<Finding>& found) {
    for (const auto& interface : facts.interfaces) {
        if (!interface.exists) {
            found.push_back({fmt::format("interface {} does not exist", interface.name),
                             fmt::format("create it, or correct the name in {} (ip -br link lists the interfaces)",
                                         facts.configuration_path)});
        } else if (!interface.up) {
            found.push_back({fmt::format("interface {} is down", interface.name),
                             fmt::format("ip link set {} up", interface.name)});
        } else if (!interface.running) {
            found.push_back({fmt::format("interface {} has no carrier", interface.name),
                             "check the cable, the switch port, or the other end of the virtual link"});
        } else {
            evaluate_sources(facts, interface, found);
        }
    }
}

void evaluate_rivals(const DoctorFacts& facts, std::vector<Finding>& found) {
    for (const auto& rival : facts.rivals) {
        if (rival.name == "keepalived" && !facts.not_running.empty()) {
            found.push_back({fmt::format("keepalived (process {}) runs here, and mainstayd does not", rival.pid),
                             "to change over without a gap: mainstayctl takeover"});
            continue;
        }
        found.push_back(
            {fmt::format("{} (process {}) runs in this network namespace, too", rival.name, rival.pid),
             rival.name == "keepalived"
                 ? std::string{"systemctl disable --now keepalived"}
                 : fmt::format("stop process {} if it is not wanted; else give each instance on an interface a "
                               "virtual_router_id of its own, and virtual servers to one of them only",
                               rival.pid)});
    }
}

// An occurrence counts while the next one may still come.
std::int64_t recent_us(const config::Config& config, const std::string& instance) {
    constexpr std::int64_t kAtLeast = 10'000'000, kAdverts = 4;
    const auto found = std::ranges::find(config.instances, instance, &config::Instance::name);
    return found == config.instances.end() ? kAtLeast : std::max(kAtLeast, kAdverts * found->advert_int.count());
}

struct Advice {
    const char* kind;
    const char* finding;  // {0}: instance, {1}: peer, {2}: as the log says it
    const char* fix;
};
constexpr Advice kAdvice[] = {
    {"advert_interval", "{0} and {1} have different advert_int: {2}", "set the same advert_int on all directors"},
    {"auth_type", "{0} and {1} authenticate differently: {2}", "set the same auth_type on all directors"},
    {"password", "{0} and {1} have different passwords", "set the same auth_pass on all directors"},
    {"hmac_missing", "{0} receives unsigned advertisements from {1}", "set the same auth_hmac on all directors"},
    {"hmac_key", "{0} and {1} have different auth_hmac keys: {2}", "set the same auth_hmac on all directors"},
    {"hmac_wrong", "{0} and {1} have different auth_hmac keys: {2}", "set the same auth_hmac on all directors"},
    {"clock", "the clocks of this host and {1} differ: {2}", "run the same time service on both, or widen time_window"},
    {"version", "{0} and {1} use different VRRP versions: {2}",
     "set the same version of the instance, or vrrp_version, on all directors"},
    {"unicast_multicast", "one of {0} and {1} uses unicast, the other multicast: {2}",
     "configure unicast_peer on both directors, or on neither"},
    {"unknown_peer", "{0} drops the advertisements of {1}: {2}", "add {1} to unicast_peer of {0}"},
    {"peer_ttl", "{0} drops the advertisements of {1}: {2}",
     "set min_ttl and max_ttl of {1} in unicast_peer of {0} to what arrives, or unicast_ttl on {1}"},
    {"address_count", "{0} and {1} advertise different virtual addresses: {2}",
     "set the same virtual_ipaddress on all directors (virtual_ipaddress_excluded is for the rest), and the same MTU "
     "of "
     "the interface: an advert has as many addresses as fit"},
    {"address_list", "{0} and {1} advertise different virtual addresses: {2}",
     "set the same virtual_ipaddress on all directors (virtual_ipaddress_excluded is for the rest)"},
    {"other_vrid", "{0}: {2}", "set the same virtual_router_id on all directors of these addresses"},
    {"own_address", "{0} receives advertisements from its own address {1}: another host has it, too",
     "assign a different address to each director"},
};

void evaluate_peers(const DoctorFacts& facts, std::vector<Finding>& found) {
    for (const auto& problem : facts.peer_problems) {
        const auto* advice = std::ranges::find_if(kAdvice, [&](const Advice& a) { return a.kind == problem.kind; });
        if (advice == std::end(kAdvice) || problem.age_us > recent_us(facts.configuration, problem.instance)) continue;
        const auto text = [&](const char* format) {
            return fmt::format(fmt::runtime(format), problem.instance, problem.peer, problem.text);
        };
        found.push_back({text(advice->finding), text(advice->fix)});
    }
    for (const auto& duplicate : facts.duplicates) {
        found.push_back(
            {fmt::format("address {} on {} is used by this host and by another one{}", duplicate.address,
                         duplicate.interface, duplicate.mac.empty() ? "" : ": " + duplicate.mac),
             "remove the address there (the switch shows the port of that MAC address); if it is the other director, "
             "both are MASTER: let each receive and accept the other's advertisements"});
    }
}

bool runs_scripts(const config::Config& config) {
    const auto commands = [](const CompactOptional<config::ExtraSettings>& more) {
        return std::ranges::any_of(more->values, [](const config::KeywordValue& value) {
            return std::holds_alternative<config::Command>(value.data);
        });
    };
    const auto notifies = [&](const auto& one) { return one.notify != config::Notifies{} || commands(one.more); };
    const auto of_server = [](const config::RealServer& server) {
        return !server.notify_up->empty() || !server.notify_down->empty() ||
               std::ranges::any_of(server.checkers, [](const config::Checker& check) {
                   return check.type == config::Checker::Type::Misc;
               });
    };
    return !config.scripts.empty() || commands(config.global.more) || std::ranges::any_of(config.instances, notifies) ||
           std::ranges::any_of(config.sync_groups, notifies) ||
           std::ranges::any_of(config.virtual_servers, [&](const config::VirtualServer& service) {
               return !service.quorum_up->empty() || !service.quorum_down->empty() ||
                      std::ranges::any_of(service.real_servers, of_server);
           });
}

void evaluate_scripts(const DoctorFacts& facts, std::vector<Finding>& found) {
    if (facts.withheld_variables.empty() || !runs_scripts(facts.configuration)) return;
    found.push_back({fmt::format("scripts do not get these variables of the daemon's environment: {}",
                                 listed_variables(facts.withheld_variables)),
                     "name those that a script needs in pass_environment of [scripts] in mainstay.toml; remove the "
                     "others from the daemon's environment"});
}

// Why a server ("10.0.0.11:80") that its checks reach does not answer clients.
std::string advice_for_unanswered(const config::Config& config, const std::string& server_name) {
    for (const auto& service : config.virtual_servers)
        for (const auto& server : service.real_servers) {
            if (server.endpoint.to_string() != server_name) continue;
            if (server.forwarding == config::Forwarding::Nat)
                return "the server's replies must come back through this director: its route to the clients goes to an "
                       "address of this director, and ip_forward is 1 here";
            return fmt::format(
                "run mainstay-realserver status {0} on the server: it must have the address on lo{1}, and the service "
                "must listen there; check_data_path finds such servers",
                service.fwmark == 0 && service.group->empty() ? service.endpoint.address.to_string() : "ADDRESS",
                server.forwarding == config::Forwarding::Tunnel ? ", take packets from the tunnel" : "");
        }
    return "look whether the server has the virtual address, and which way its replies take";
}

std::string advice_for(const config::Config& config, const DoctorFacts::Problem& problem) {
    const auto* row = report::problem_row(problem.kind);
    if (row == nullptr) return "run mainstayctl status";
    if (row->kind == report::ProblemKind::ClientsUnanswered) return advice_for_unanswered(config, problem.object);
    return fmt::format(fmt::runtime(row->fix), shell_quoted(problem.object));
}

void evaluate_daemon(const DoctorFacts& facts, std::vector<Finding>& found) {
    const bool is_keepalived =
        std::ranges::any_of(facts.rivals, [](const auto& one) { return one.name == "keepalived"; });
    if (!facts.not_running.empty() && !is_keepalived)
        found.push_back(
            {facts.not_running, "systemctl start mainstay; if it ends again, journalctl -u mainstay has why"});
    if (!facts.not_asked.empty())
        found.push_back(
            {fmt::format("the running daemon was not asked, and what it knows is left out: {}", facts.not_asked),
             "run this as root, or as a member of the group mainstay"});
    if (!facts.not_at_boot.empty())
        found.push_back(
            {fmt::format("{} runs, but is not enabled: nothing starts it at the next boot", facts.not_at_boot),
             fmt::format("systemctl enable {}", facts.not_at_boot)});
    if (facts.status_unread)
        found.push_back({"the running daemon is of another version: its problems are not known, or not all of them",
                         "run mainstayctl upgrade, or use the mainstayctl of its version"});
    std::map<std::string, std::size_t> counts;
    for (const auto& problem : facts.problems) {
        const auto* row = report::problem_row(problem.kind);
        const bool seen_here = row != nullptr && row->kind == report::ProblemKind::IpvsUnavailable;
        if ((seen_here && !facts.ipvs_available) || ++counts[problem.kind] > kOfOneKindMax) continue;
        found.push_back({problem.text, advice_for(facts.configuration, problem)});
    }
    for (const auto& [kind, count] : counts)
        if (count > kOfOneKindMax)
            found.push_back({fmt::format("{} more problems of the kind {}", count - kOfOneKindMax, kind),
                             "run mainstayctl status: it shows the state of everything"});
}

}  // namespace

std::vector<Finding> evaluate_host(const DoctorFacts& facts) {
    std::vector<Finding> found;
    const auto& file = facts.configuration_path;
    // A daemon that was not asked may have been given one.
    if (!facts.configuration_read && (!file.empty() || facts.not_asked.empty()))
        found.push_back(
            file.empty() ? Finding{"there is no configuration", "write /etc/mainstay/mainstay.conf"}
                         : Finding{fmt::format("the configuration {} cannot run", file),
                                   fmt::format("run mainstayctl config check {}: it shows why", shell_quoted(file))});
    evaluate_interfaces(facts, found);
    evaluate_ipvs(facts, found);
    evaluate_forwarding(facts, found);
    if (!facts.configuration.instances.empty()) {
        for (const auto& chain : facts.firewall_drops_vrrp) {
            found.push_back(
                {fmt::format("the firewall drops VRRP: {}", chain),
                 "remove such a rule; accept IP protocol 112: nft insert rule ... meta l4proto vrrp accept, or "
                 "iptables -I INPUT -p vrrp -j ACCEPT (ip6tables for IPv6), or firewall-cmd --add-protocol=vrrp "
                 "--permanent"});
        }
        if (facts.firewall_unknown) {
            found.push_back({"the firewall could not be read", "run this as root, with nft or iptables installed"});
        }
    }
    evaluate_rivals(facts, found);
    evaluate_peers(facts, found);
    evaluate_daemon(facts, found);
    evaluate_scripts(facts, found);
    evaluate_routing(facts, found);
    if (facts.hidden_from && !vrrp::watch_plan(facts.configuration).processes.empty())
        found.push_back({"/proc hides the processes of other accounts (hidepid): track_process does not count them",
                         fmt::format("let mainstay-track see them: mount -o remount,gid={} /proc, and the same in "
                                     "/etc/fstab",
                                     *facts.hidden_from)});
    evaluate_processes(facts, found);
    for (const auto& capability : facts.missing_capabilities) {
        found.push_back({fmt::format("the capability {} is not available here", capability),
                         "run as root; in a container, add it (--cap-add)"});
    }
    return found;
}

namespace {

std::string as_text(const std::vector<Finding>& findings) {
    std::string out;
    for (const auto& finding : findings) out += "- " + finding.what + "\n  fix: " + finding.fix + "\n";
    return out.empty() ? "no problems found\n" : out;
}

std::string as_json_text(const std::vector<Finding>& findings) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& finding : findings) list.push_back({{"finding", finding.what}, {"fix", finding.fix}});
    return nlohmann::ordered_json{{"findings", std::move(list)}}.dump(
               1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
           "\n";
}

// Of a daemon that answers, the one that it runs; else the one that a daemon would read.
std::string configuration_to_check(const Result<std::string>& status) {
    const auto document = status ? json_object(*status) : error_of(status);
    std::string file = document ? text(part(*document, "configuration"), "file") : std::string{};
    return file.empty() ? configuration_in_use() : file;
}

}  // namespace

// The daemon's own order.
std::string configuration_in_use() { return config::find_source().used; }

int ctl_doctor(const std::string& file, const std::string& socket, bool as_json) {
    const auto status = ask_daemon(socket, "/status");
    auto facts = gather_facts(file.empty() ? configuration_to_check(status) : file, status ? *status : std::string{});
    if (!status)
        (status.error().code() == Errc::NotFound ? facts.not_running : facts.not_asked) = status.error().text();
    const auto findings = evaluate_host(facts);
    const std::string shown = as_json ? as_json_text(findings) : as_text(findings);
    print(shown);
    return findings.empty() ? 0 : 1;
}

}  // namespace mainstay::cli
