// Which processes there are, and what becomes of them: /proc and the process connector. Reading /proc can be held up by
// a process that is stuck in the kernel: this is the watcher process's, never a role's.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/netlink/proc_events.hpp"
#include "mainstay/vrrp/watch.hpp"

namespace mainstay::kernel {

// No value: it is gone, or is a zombie. argv is read with `command` only.
[[nodiscard]] std::optional<vrrp::ProcessSeen> look_at_process(int pid, bool command);
[[nodiscard]] std::map<int, vrrp::ProcessSeen> all_processes(bool command);

// The kernel tells of processes to the initial network, PID and user namespaces only, and wants CAP_NET_ADMIN. What it
// does not serve it mostly ignores: it works once a Listening event has come.
class ProcessConnector {
public:
    [[nodiscard]] static Result<ProcessConnector> open();
    [[nodiscard]] int fd() const { return fd_.get(); }
    // What waits. Errc::Limit: events were lost, look at all processes.
    [[nodiscard]] Result<std::vector<netlink::ProcessEvent>> read();

private:
    explicit ProcessConnector(UniqueFd fd) : fd_{std::move(fd)} {}
    UniqueFd fd_;
};

}  // namespace mainstay::kernel
