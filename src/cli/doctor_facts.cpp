#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "daemon_processes.hpp"
#include "doctor.hpp"
#include "mainstay/base/script_variables.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/net_namespace.hpp"
#include "mainstay/config/settings.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/kernel/arp_probe.hpp"
#include "mainstay/kernel/capabilities.hpp"
#include "mainstay/kernel/environment.hpp"
#include "mainstay/kernel/ipvs.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/process_watch.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "mainstay/role/common/identity.hpp"
#include "mainstay/vrrp/instance.hpp"
#include "systemd.hpp"

namespace mainstay::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kOutputBytesMax = 64U << 20;
constexpr std::size_t kPrefixesAtOnce = 200;          // asked of vtysh; the shell takes 128 KiB
constexpr std::chrono::milliseconds kProbeWait{500};  // for each interface

// Output of a fixed command; nothing when it is not installed or fails.
std::optional<std::string> output_of(const char* command) {
    std::FILE* pipe = ::popen(command, "re");  // NOLINT(cert-env33-c): of literals of this file, and addresses
    if (pipe == nullptr) return std::nullopt;
    std::string out;
    std::array<char, 4096> piece{};
    while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe)) {
        if (out.size() < kOutputBytesMax) out.append(piece.data(), got);
    }
    if (::pclose(pipe) != 0) return std::nullopt;
    return out;
}

std::optional<int> sysctl(const std::string& name) {
    const auto value = kernel::read_sysctl_number(name);
    return value ? std::optional{*value} : std::nullopt;
}

// The kernel uses the larger of the interface's value and that of "all".
std::optional<int> larger(const std::string& interface, const std::string& setting) {
    const auto own = sysctl("net/ipv4/conf/" + interface + "/" + setting);
    const auto all = sysctl("net/ipv4/conf/all/" + setting);
    if (!own || !all) return own;
    return std::max(*own, *all);
}

void gather_interfaces(DoctorFacts& facts) {
    std::set<std::string> names;
    for (const auto& instance : facts.configuration.instances) {
        if (!instance.interface.empty()) names.insert(instance.interface);
        for (const auto& tracked : instance.track_interfaces) names.insert(tracked.name);
    }
    auto netlink = kernel::Rtnetlink::open();
    if (!netlink) return;
    const auto links = netlink->links();
    const auto addresses = netlink->addresses();
    for (const auto& name : names) {
        DoctorFacts::Interface interface{.name = name};
        if (links && addresses) {
            const auto link = std::ranges::find(*links, name, &kernel::Link::name);
            if (link != links->end()) {
                interface.exists = true;
                interface.up = link->up;
                interface.running = link->running;
                for (const auto& address : *addresses)
                    if (address.interface_index == link->index) interface.networks.push_back(address.prefix);
                interface.has_ipv4 = std::ranges::any_of(interface.networks,
                                                         [](const Prefix& prefix) { return prefix.address.is_v4(); });
            }
        }
        interface.rp_filter = larger(name, "rp_filter");
        interface.send_redirects = larger(name, "send_redirects");
        facts.interfaces.push_back(std::move(interface));
    }
}

// Loaded or built in, or a module file of that name for the running kernel.
bool has_scheduler(const std::string& name) {
    std::error_code ignored;
    if (fs::exists("/sys/module/ip_vs_" + name, ignored)) return true;
    const std::string release = first_line("/proc/sys/kernel/osrelease");
    const fs::path folder = "/lib/modules/" + release;
    for (const char* ending : {".ko", ".ko.xz", ".ko.zst", ".ko.gz"}) {
        if (fs::exists(folder / "kernel/net/netfilter/ipvs" / ("ip_vs_" + name + ending), ignored)) return true;
    }
    std::ifstream builtin{folder / "modules.builtin"};
    for (std::string line; std::getline(builtin, line);) {
        if (line.ends_with("/ip_vs_" + name + ".ko")) return true;
    }
    return false;
}

void gather_ipvs(DoctorFacts& facts) {
    auto socket = kernel::IpvsSocket::open();
    facts.ipvs_available = socket.has_value();
    if (!socket) facts.ipvs_problem = socket.error().text();
    std::set<std::string> schedulers;
    for (const auto& service : facts.configuration.virtual_servers) schedulers.insert(service.scheduler);
    for (const auto& name : schedulers) {
        if (!has_scheduler(name)) facts.missing_schedulers.push_back(name);
    }
}

void gather_firewall(DoctorFacts& facts) {
    const auto ruleset = output_of("nft -j list ruleset 2>/dev/null");
    bool is_read = ruleset.has_value();
    std::vector<std::string>& dropping = facts.firewall_drops_vrrp;
    for (const Family family : {Family::V4, Family::V6}) {
        std::vector<std::string> interfaces;
        for (const auto& instance : facts.configuration.instances)
            if (instance.family == family) interfaces.push_back(instance.interface);
        if (interfaces.empty()) continue;
        std::vector<std::string> found;
        if (ruleset) found = nft_drops_vrrp(*ruleset, interfaces, family);
        // iptables-nft's rules are in the ruleset already; what is left is the old kernel interface.
        const std::string program = family == Family::V4 ? "iptables" : "ip6tables";
        const auto saved = output_of((program + (ruleset ? "-legacy-save 2>/dev/null" : "-save 2>/dev/null")).c_str());
        if (saved) std::ranges::move(iptables_drops_vrrp(*saved, interfaces, family), std::back_inserter(found));
        is_read = is_read || saved;
        // A rule of a table inet may drop both families.
        for (auto& one : found)
            if (std::ranges::find(dropping, one) == dropping.end()) dropping.push_back(std::move(one));
    }
    // Without nft and iptables there is probably no firewall: only a refusal is reported.
    facts.firewall_unknown = !is_read && ::geteuid() != 0;
}

std::string link_target(const fs::path& path) {
    std::error_code failed;
    const auto target = fs::read_symlink(path, failed);
    return failed ? std::string{} : target.string();
}

struct RunningProgram {
    std::string pid, name;
};
// All that run in this network namespace.
std::vector<RunningProgram> programs_here() {
    std::vector<RunningProgram> found;
    const std::string here = link_target("/proc/self/ns/net");
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator{"/proc", failed}) {
        std::string pid = entry.path().filename().string();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        if (link_target(entry.path() / "ns/net") == here)
            found.push_back({std::move(pid), first_line(entry.path() / "comm")});
    }
    return found;
}

void gather_rivals(DoctorFacts& facts, const std::vector<RunningProgram>& programs, int supervisor) {
    for (const auto& [pid, name] : programs) {
        if (name != "keepalived" && name != "mainstayd" && name != "vrrpd" && name != "ucarp") continue;
        // keepalived's children have its name too: only the parent is listed. mainstayd may run under that name.
        const int process = std::stoi(pid), parent = parent_of(process);
        if (first_line(fmt::format("/proc/{}/comm", parent)) == name) continue;
        const bool ours = supervisor > 0 && (process == supervisor || parent == supervisor);
        if (!ours) facts.rivals.push_back({process, name});
    }
}

void gather_routing(DoctorFacts& facts, const std::vector<RunningProgram>& programs) {
    static constexpr std::array kDaemons{"bgpd", "ospfd", "ospf6d", "isisd", "bird", "gobgpd", "exabgp"};
    if (facts.announced.empty()) return;
    const auto runs = [&programs](std::string_view name) {
        return std::ranges::find(programs, name, &RunningProgram::name) != programs.end();
    };
    facts.has_routing_daemon = std::ranges::any_of(kDaemons, runs);
    if (!runs("bgpd")) return;
    const auto neighbors = output_of("vtysh -c 'show bgp neighbors json' 2>/dev/null");
    if (!neighbors) return;
    read_bgp_neighbors(facts, *neighbors);
    std::vector<std::string> prefixes;
    std::string command;
    const auto ask = [&] {
        if (const auto answers = output_of(("vtysh" + command + " 2>/dev/null").c_str()); answers)
            std::ranges::move(not_advertised(prefixes, *answers), std::back_inserter(facts.not_advertised));
        prefixes.clear();
        command.clear();
    };
    for (const auto& text : facts.announced) {
        const auto address = IpAddress::parse(text);  // no other text gets into a command
        if (!address) continue;
        prefixes.push_back(address->to_string());
        command +=
            fmt::format(" -c 'show bgp {} unicast {} json'", address->is_v4() ? "ipv4" : "ipv6", prefixes.back());
        if (prefixes.size() == kPrefixesAtOnce) ask();
    }
    if (!prefixes.empty()) ask();
}

void gather_processes(DoctorFacts& facts) {
    const auto trackers = vrrp::process_trackers(facts.configuration);
    if (trackers.empty()) return;
    std::map<int, RunningProcess> running;
    for (auto& [pid, seen] : kernel::all_processes(true))
        if (pid != ::getpid())
            running.emplace(pid, RunningProcess{std::move(seen), link_target(fmt::format("/proc/{}/exe", pid))});
    facts.uncounted = uncounted_processes(trackers, running);
}

void gather_left_behind(DoctorFacts& facts, const std::vector<RunningProgram>& programs, int supervisor) {
    if (supervisor <= 0) return;
    std::vector<ChildProcess> children;
    for (const auto& [text, name] : programs) {
        const int pid = std::stoi(text);
        if (parent_of(pid) != supervisor) continue;
        auto command = command_line_of(pid);
        std::ranges::replace(command, '\0', ' ');
        children.push_back({pid, age_of(pid), name, link_target(fmt::format("/proc/{}/exe", pid)),
                            command.substr(0, command.find_last_not_of(' ') + 1)});
    }
    facts.left_behind = left_behind(children);
}

void gather_capabilities(DoctorFacts& facts) {
    for (auto& capability : kernel::missing_capabilities())
        facts.missing_capabilities.push_back(std::move(capability.name));
    const auto watcher = kernel::find_account(role::kWatcherAccount);
    if (watcher && kernel::processes_are_hidden(watcher->gid)) facts.hidden_from = watcher->gid;
}

std::set<std::string> masters_in(const nlohmann::json& status) {
    std::set<std::string> names;
    try {
        for (const auto& instance : status.at("vrrp").at("instances"))
            if (instance.at("state") == "MASTER") names.insert(instance.at("name").get<std::string>());
    } catch (const nlohmann::json::exception&) {
        return names;  // no daemon, or no vrrp role
    }
    return names;
}

std::string mac_text(const wire::MacAddress& mac) {
    std::string text;
    for (const std::byte byte : mac)
        text += fmt::format("{}{:02x}", text.empty() ? "" : ":", std::to_integer<unsigned>(byte));
    return text;
}

// The addresses of our masters, by the interface they are on.
std::map<std::string, std::vector<IpAddress>> addresses_of(const config::Config& config,
                                                           const std::set<std::string>& masters) {
    std::map<std::string, std::vector<IpAddress>> held;
    for (const auto& instance : config.instances) {
        if (!masters.contains(instance.name)) continue;
        for (const auto& address : vrrp::held_addresses(instance))
            held[address.interface].push_back(address.prefix.address);
    }
    return held;
}

// IPv4 is asked for on the link, below a VMAC too. Of IPv6 is told what the kernel has found, and of virtual addresses
// it looks at none but those with the option -nodad.
void gather_duplicates(DoctorFacts& facts, const nlohmann::json& status) {
    auto netlink = kernel::Rtnetlink::open();
    if (!netlink) return;
    const auto links = netlink->links();
    const auto present = netlink->addresses();
    if (!links || !present) return;
    const auto is_ours = [&](const wire::MacAddress& mac) {
        return std::ranges::any_of(
            *links, [&](const kernel::Link& link) { return std::ranges::equal(link.hardware_address, mac); });
    };
    for (const auto& [name, addresses] : addresses_of(facts.configuration, masters_in(status))) {
        const auto link = std::ranges::find(*links, name, &kernel::Link::name);
        wire::MacAddress own{};
        if (link == links->end() || !link->up || link->hardware_address.size() != own.size()) continue;
        std::ranges::copy(link->hardware_address, own.begin());
        std::vector<IpAddress> asked;
        std::ranges::copy_if(addresses, std::back_inserter(asked), &IpAddress::is_v4);
        const auto answers = kernel::probe_addresses(link->index, own, asked, kProbeWait);
        if (!answers) continue;  // not root: the rest of the findings does not need it
        for (const auto& answer : *answers)
            if (!is_ours(answer.mac))
                facts.duplicates.push_back({answer.address.to_string(), name, mac_text(answer.mac)});
        for (const auto& address : *present)
            if (address.dad_failed && std::ranges::find(addresses, address.prefix.address) != addresses.end())
                facts.duplicates.push_back({address.prefix.address.to_string(), name, {}});
    }
}

std::string file_text(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

// Of the daemon that answered, by the settings that it reads.
void gather_variables(DoctorFacts& facts, const nlohmann::json& status, int supervisor) {
    if (supervisor <= 0) return;
    try {
        const auto& paths = status.at("configuration");
        const auto file = paths.at("file").get<std::string>(), settings = paths.at("settings").get<std::string>();
        const std::string own = config::is_toml_name(file) ? file_text(file) : std::string{};
        const auto read = config::read_settings(config::toml_has_settings(own) ? own : file_text(settings), settings);
        facts.withheld_variables =
            withheld_variables(environment_of(supervisor), read.settings.scripts_pass_environment);
    } catch (const nlohmann::json::exception&) {
        return;  // another version
    }
}

// A word of the command line of the daemon that answers, -i or -s; empty: it has none.
std::string word_of_daemon(const nlohmann::json& status, const char* member) {
    try {
        return status.at("configuration").at(member).get<std::string>();
    } catch (const nlohmann::json::exception&) {
        return {};
    }
}

// Goes where the daemon runs by its command line or the configuration, for good. False: this program cannot.
bool enter_its_namespace(const config::Config& configuration, const std::string& named) {
    const auto name = config::net_namespace_of(configuration, named);
    if (name.empty()) return true;
    const auto there = kernel::open_network_namespace(name);
    return there && kernel::enter_network_namespace(there->get());
}

int supervisor_pid(const nlohmann::json& status) {
    try {
        return status.at("supervisor").at("pid").get<int>();
    } catch (const nlohmann::json::exception&) {
        return 0;
    }
}

}  // namespace

DoctorFacts gather_facts(const std::string& configuration_path, std::string_view status_text) {
    DoctorFacts facts;
    facts.configuration_path = configuration_path;
    const auto status = nlohmann::json::parse(status_text, nullptr, false);
    const auto named = word_of_daemon(status, "net_namespace");
    if (!configuration_path.empty()) {
        auto environment = kernel::host_environment();
        environment.config_id = word_of_daemon(status, "config_id");
        auto loaded = kernel::load_in_its_namespace(configuration_path, std::move(environment), named);
        facts.configuration_read = loaded.can_run();
        facts.configuration = std::move(loaded.config);
    }
    // What the network is like is asked where the daemon is. What cannot be asked is not judged.
    if (enter_its_namespace(facts.configuration, named)) {
        gather_interfaces(facts);
        gather_ipvs(facts);
        facts.ip_forward = sysctl("net/ipv4/ip_forward");
        facts.ip6_forward = sysctl("net/ipv6/conf/all/forwarding");
        gather_firewall(facts);
        gather_duplicates(facts, status);
    } else {
        facts.ipvs_available = facts.firewall_unknown = true;
    }
    const auto programs = programs_here();
    gather_rivals(facts, programs, supervisor_pid(status));
    gather_left_behind(facts, programs, supervisor_pid(status));
    gather_capabilities(facts);
    gather_processes(facts);
    read_status(facts, status_text);
    gather_variables(facts, status, supervisor_pid(status));
    gather_routing(facts, programs);
    if (const int pid = supervisor_pid(status); pid > 0)
        if (auto unit = unit_of(pid); !unit.empty() && nothing_starts_at_boot(unit))
            facts.not_at_boot = std::move(unit);
    return facts;
}

}  // namespace mainstay::cli
