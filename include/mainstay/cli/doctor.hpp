// What on a host keeps a director from working: facts gathered by doctor_facts.cpp, judged here. The judge is pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/model.hpp"

namespace mainstay::cli {

struct DoctorFacts {
    bool configuration_read = false;  // else only the host is looked at
    std::string configuration_path;
    config::Config configuration;

    struct Interface {
        std::string name;
        bool exists = false, up = false, running = false;
        bool has_ipv4 = false;
        std::optional<int> rp_filter, send_redirects;  // of the interface and of "all", the larger
    };
    std::vector<Interface> interfaces;  // those that the configuration names

    bool ipvs_available = false;
    std::string ipvs_problem;
    std::vector<std::string> missing_schedulers;  // configured, not loaded, and no module for them was found
    std::optional<int> ip_forward, ip6_forward;

    // What drops VRRP on its way in, in the firewall's own words; empty: nothing was found that does.
    std::vector<std::string> firewall_drops_vrrp;
    bool firewall_unknown = false;  // neither nft nor iptables could be asked

    struct Rival {
        int pid = 0;
        std::string name;
    };
    std::vector<Rival> rivals;               // other programs that do the same work, in this network namespace
    std::vector<std::string> rival_masters;  // instances that hear another MASTER, from the running daemon
    std::vector<std::string> missing_capabilities;
};

struct Finding {
    std::string what;
    std::string mend;
    bool operator==(const Finding&) const = default;
};

[[nodiscard]] std::vector<Finding> judge_host(const DoctorFacts& facts);

// Chains that meet VRRP packets on their way in and drop them: from `nft -j list ruleset`, and from `iptables-save`.
[[nodiscard]] std::vector<std::string> nft_drops_vrrp(std::string_view ruleset_json);
[[nodiscard]] std::vector<std::string> iptables_drops_vrrp(std::string_view saved);

// Reads /proc, netlink and the firewall. `status` is the daemon's answer, empty when it does not run.
[[nodiscard]] DoctorFacts gather_facts(const std::string& configuration_path, std::string_view status);

}  // namespace mainstay::cli
