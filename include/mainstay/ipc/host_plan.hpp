// What the supervisor itself has to do for a configuration, beyond its roles and the table of scripts: FIFOs, and what
// is watched on the host. Made by the reader; travels sealed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codec.hpp"
#include "mainstay/vrrp/watch.hpp"

namespace mainstay::ipc {

struct FifoPlan {
    enum class Lines : std::uint8_t { All, Vrrp, Lvs } lines = Lines::All;
    std::string path;
    std::uint32_t uid = 0, gid = 0;  // owner, when it is made
    std::string script;              // its reader's key in the table of scripts; empty: none
    bool operator==(const FifoPlan&) const = default;
};

// Whose events FIFO lines may tell: instances, sync groups, virtual servers.
struct FifoSubjects {
    std::vector<std::string> instances, groups, services;
};

struct HostPlan {
    std::vector<FifoPlan> fifos;
    vrrp::WatchPlan watch;
    std::uint32_t fifo_mode = 0600;
    std::optional<FifoSubjects> fifo_names;  // where there are FIFOs
};

template <class A>
void fields(A& a, FifoPlan& p) {
    a(p.lines, p.path, p.uid, p.gid, p.script);
}
template <class A>
void fields(A& a, FifoSubjects& s) {
    a(s.instances, s.groups, s.services);
}
template <class A>
void fields(A& a, HostPlan& p) {
    a(p.fifos, p.watch, p.fifo_mode, p.fifo_names);
}

}  // namespace mainstay::ipc

namespace mainstay::vrrp {

template <class A>
void fields(A& a, FileTracker& t) {
    a(t.name, t.path, t.weight, t.reverse, t.init, t.overwrite);
}
template <class A>
void fields(A& a, ProcessTracker& t) {
    a(t.name, t.command, t.full_command, t.params, t.weight, t.reverse, t.quorum, t.quorum_max, t.fork_delay,
      t.terminate_delay);
}
template <class A>
void fields(A& a, PolledLink& l) {
    a(l.method, l.name);
}
template <class A>
void fields(A& a, WatchPlan& p) {
    a(p.files, p.processes, p.links, p.event_buffer, p.event_buffer_forced);
}

}  // namespace mainstay::vrrp
