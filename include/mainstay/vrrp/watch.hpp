// What of the host is to be watched for VRRP and the checks: files, processes, links that are polled. Pure: which they
// are, and which processes a tracker counts. Whoever watches gives the answers as facts.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "facts.hpp"
#include "mainstay/config/model.hpp"
#include "trackers.hpp"

namespace mainstay::vrrp {

struct PolledLink {
    // How it is asked. Any: the first of the three that the device answers.
    enum class Method : std::uint8_t { Any, Mii, Ethtool, Ioctl } method = Method::Any;
    std::string name;
    bool operator==(const PolledLink&) const = default;
};

struct WatchPlan {
    std::vector<FileTracker> files;
    std::vector<ProcessTracker> processes;
    std::vector<PolledLink> links;
    std::uint32_t event_buffer = 0;    // bytes for the kernel's words about processes; 0: as the socket makes it
    bool event_buffer_forced = false;  // beyond net.core.rmem_max
    [[nodiscard]] bool empty() const { return files.empty() && processes.empty() && links.empty(); }
    bool operator==(const WatchPlan&) const = default;
};

// linkbeat_interfaces, and with linkbeat_use_polling the interfaces of the instances.
[[nodiscard]] WatchPlan watch_plan(const config::Config& config);

// A process as /proc shows it.
struct ProcessSeen {
    std::string comm;                  // at most 15 bytes
    std::vector<std::string> command;  // argv; empty: a kernel thread
};

// keepalived: without full_command comm alone is compared; with it argv[0] and the parameters (2.4.3).
[[nodiscard]] bool matches(const ProcessTracker& tracker, const ProcessSeen& process);

// Which processes each tracker counts. A child of one that counts is the same program until it executes another.
class ProcessTable {
public:
    explicit ProcessTable(std::vector<ProcessTracker> trackers);

    void replace(const std::map<int, ProcessSeen>& all);  // a look at all of them
    void seen(int pid, const ProcessSeen& process);       // it is this program now
    void forked(int parent, int child);
    void ended(int pid);
    // The counts that are not the ones told last; at first all.
    [[nodiscard]] std::vector<ProcessFact> changes();
    [[nodiscard]] bool needs_command() const;  // somebody looks at more than comm

private:
    struct Counted {
        ProcessTracker tracker;
        std::set<int> pids;
        std::optional<std::uint32_t> told;
    };
    std::vector<Counted> counted_;
};

}  // namespace mainstay::vrrp
