// Observes processes by /proc and the process connector. Reading /proc may block on a process that is stuck in the
// kernel, so only the watcher process uses this.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/netlink/proc_events.hpp"
#include "mainstay/vrrp/watch.hpp"

namespace mainstay::kernel {

// None: it has ended or is a zombie. argv is read only if `command` is set.
[[nodiscard]] std::optional<vrrp::ProcessSeen> look_at_process(int pid, bool command);
[[nodiscard]] std::map<int, vrrp::ProcessSeen> all_processes(bool command);

// Whether /proc is mounted so that an account without CAP_SYS_PTRACE sees its own processes only (hidepid; proc(5)),
// unless it is of this group, by its number. `mountinfo`: the text of /proc/self/mountinfo.
[[nodiscard]] bool processes_are_hidden(const std::string& mountinfo, std::uint32_t group);
[[nodiscard]] bool processes_are_hidden(std::uint32_t group);  // here

// The kernel sends process events only to the initial network, PID and user namespaces, and requires CAP_NET_ADMIN. It
// mostly ignores other requests: the subscription works once a Listening event has arrived.
class ProcessConnector {
public:
    [[nodiscard]] static Result<ProcessConnector> open();
    [[nodiscard]] int fd() const { return fd_.get(); }
    // Reads the pending events. Errc::Limit: events were lost; rescan all processes.
    [[nodiscard]] Result<std::vector<netlink::ProcessEvent>> read();

private:
    explicit ProcessConnector(UniqueFd fd) : fd_{std::move(fd)} {}
    UniqueFd fd_;
};

}  // namespace mainstay::kernel
