// mainstayctl doctor: finds problems of a host that keep a director from working. doctor_facts.cpp gathers the facts;
// the evaluation here is pure.
#pragma once

#include <chrono>
#include <iosfwd>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/watch.hpp"

namespace mainstay::cli {

struct DoctorFacts {
    bool configuration_read = false;  // false: only the host is checked
    std::string configuration_path;
    config::Config configuration;

    struct Interface {
        std::string name;
        bool exists = false, up = false, running = false;
        bool has_ipv4 = false;
        std::vector<Prefix> networks;                  // of its addresses
        std::optional<int> rp_filter, send_redirects;  // of the interface and of "all", the larger
    };
    std::vector<Interface> interfaces;  // those that the configuration names

    bool ipvs_available = false;
    std::string ipvs_problem;
    std::vector<std::string> missing_schedulers;  // configured, not loaded, and no module for them was found
    std::optional<int> ip_forward, ip6_forward;

    // Firewall rules that drop incoming VRRP, in the firewall's notation; empty: none found.
    std::vector<std::string> firewall_drops_vrrp;
    bool firewall_unknown = false;  // neither nft nor iptables could be queried

    struct Rival {
        int pid = 0;
        std::string name;
    };
    std::vector<Rival>
        rivals;  // other programs that do the same work, in this network namespace, without their children
    std::vector<std::string> missing_capabilities;
    std::optional<std::uint32_t> hidden_from;  // the group that ought to see processes where /proc hides them

    // Trackers of processes that count none, although one runs that is most likely meant.
    struct Uncounted {
        std::string tracker, wanted;  // its name, and what is looked for
        bool full_command = false;
        int pid = 0;
        std::string name, command;  // of the process
        bool operator==(const Uncounted&) const = default;
    };
    std::vector<Uncounted> uncounted;

    std::string not_running;  // none runs: why the daemon gave no status; empty: it did
    std::string not_asked;    // one runs, and gave no status: why; empty: it did
    std::string not_at_boot;  // the daemon's unit, where nothing starts it at the next boot

    // From the running daemon's status.
    struct PeerProblem {
        std::string instance, kind, peer, text;
        std::int64_t age_us = 0;  // since it was seen last
    };
    std::vector<PeerProblem> peer_problems;
    struct Problem {  // of the daemon's list
        std::string kind, object, text;
        bool operator==(const Problem&) const = default;
    };
    std::vector<Problem> problems;
    bool status_unread = false;  // the status is that of another version and lacks something
    struct LeftBehind {          // by scripts: processes that go on without them
        std::string name;
        std::size_t count = 0;
        int pid = 0;  // of one of them
        std::string command;
        bool operator==(const LeftBehind&) const = default;
    };
    std::vector<LeftBehind> left_behind;

    // Of the running daemon's environment, names of what its scripts do not get.
    std::vector<std::string> withheld_variables;

    // Addresses that an instance here is MASTER of, and that another host answers for, too.
    struct Duplicate {
        std::string address, interface;
        std::string mac;  // of the other host; empty: IPv6, found by the kernel
    };
    std::vector<Duplicate> duplicates;

    // Of directors that announce addresses.
    std::vector<std::string> announced;  // by mainstay now
    bool has_routing_daemon = false;     // in this network namespace
    struct BgpNeighbor {
        std::string address, state;  // "Established"
        bool restarts_gracefully = false;
        std::string bfd;  // "Up"; empty: none
    };
    std::vector<BgpNeighbor> bgp_neighbors;   // of FRR; empty: FRR has none, or is not asked
    std::vector<std::string> not_advertised;  // of those announced, by FRR
};

struct Finding {
    std::string what;
    std::string fix;
    bool operator==(const Finding&) const = default;
};

[[nodiscard]] std::vector<Finding> evaluate_host(const DoctorFacts& facts);

// Chains that drop VRRP packets of a family, and rules that drop them by name on one of these interfaces (none: any):
// from `nft -j list ruleset`, and from `iptables-save` or `ip6tables-save`.
[[nodiscard]] std::vector<std::string> nft_drops_vrrp(std::string_view ruleset_json,
                                                      std::span<const std::string> interfaces = {},
                                                      Family family = Family::V4);
[[nodiscard]] std::vector<std::string> iptables_drops_vrrp(std::string_view saved,
                                                           std::span<const std::string> interfaces = {},
                                                           Family family = Family::V4);

// FRR's answer to "show bgp neighbors json".
void read_bgp_neighbors(DoctorFacts& facts, std::string_view answer);
// Those of the prefixes that FRR advertises to nobody, by its answers to "show bgp FAMILY unicast PREFIX json" for
// each, one after the other. None when the answers are something else.
[[nodiscard]] std::vector<std::string> not_advertised(std::span<const std::string> prefixes,
                                                      const std::string& answers);
void evaluate_routing(const DoctorFacts& facts, std::vector<Finding>& found);

struct RunningProcess {
    vrrp::ProcessSeen seen;
    std::string program;  // the file that it runs; empty: not known
};
[[nodiscard]] std::vector<DoctorFacts::Uncounted> uncounted_processes(const std::vector<vrrp::ProcessTracker>& trackers,
                                                                      const std::map<int, RunningProcess>& running);
// The children of a supervisor: programs that are not its own, old enough to be no script that still runs, and many of
// one name. A script may start a daemon; one at each run is too many.
struct ChildProcess {
    int pid = 0;
    std::chrono::seconds age{0};
    std::string name, program, command;
};
[[nodiscard]] std::vector<DoctorFacts::LeftBehind> left_behind(const std::vector<ChildProcess>& children);
void evaluate_processes(const DoctorFacts& facts, std::vector<Finding>& found);

// The facts from the answer of the running daemon; empty if there is none or it has another version.
void read_status(DoctorFacts& facts, std::string_view status);

// Reads /proc, netlink and the firewall, and probes the links for duplicate addresses. `status` is the daemon's answer,
// empty if it does not run.
[[nodiscard]] DoctorFacts gather_facts(const std::string& configuration_path, std::string_view status);

}  // namespace mainstay::cli
