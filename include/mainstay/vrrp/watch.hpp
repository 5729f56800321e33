// What the watcher observes for VRRP and the checks: files, processes and polled links. Pure: it decides which objects
// these are, and which processes a tracker counts.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "facts.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/config/server_file.hpp"
#include "trackers.hpp"

namespace mainstay::vrrp {

struct PolledLink {
    // How the link is polled. Any: the first method that the device supports.
    enum class Method : std::uint8_t { Any, Mii, Ethtool, Ioctl } method = Method::Any;
    std::string name;
    bool operator==(const PolledLink&) const = default;
};

struct WatchPlan {
    std::vector<FileTracker> files;
    std::vector<ProcessTracker> processes;
    std::vector<PolledLink> links;
    std::uint32_t event_buffer = 0;    // receive buffer in bytes for process events; 0: the socket's default
    bool event_buffer_forced = false;  // beyond net.core.rmem_max
    std::vector<config::ServerFileSource> server_files;  // of virtual servers; the reader adds them
    [[nodiscard]] bool empty() const {
        return files.empty() && processes.empty() && links.empty() && server_files.empty();
    }
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

// The processes that each tracker counts. A child of a counted process is counted until it executes another program.
class ProcessTable {
public:
    explicit ProcessTable(std::vector<ProcessTracker> trackers);

    void replace(const std::map<int, ProcessSeen>& all);  // after a scan of /proc
    void seen(int pid, const ProcessSeen& process);       // the process now runs this program
    void forked(int parent, int child);
    void ended(int pid);
    // The counts that have changed since the last call; at first all.
    [[nodiscard]] std::vector<ProcessFact> changes();
    [[nodiscard]] bool needs_command() const;  // a tracker compares more than comm

private:
    struct Counted {
        ProcessTracker tracker;
        std::set<int> pids;
        std::optional<std::uint32_t> reported;
    };
    std::vector<Counted> counted_;
};

}  // namespace mainstay::vrrp
