// What the supervisor itself does for a configuration, besides roles and scripts: FIFOs, and what the watcher observes.
// Made by the reader; sent as a sealed memfd.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/framed_archive.hpp"
#include "mainstay/vrrp/watch.hpp"

namespace mainstay::ipc {

struct FifoPlan {
    enum class Lines : std::uint8_t { All, Vrrp, Lvs } lines = Lines::All;
    std::string path;
    std::uint32_t uid = 0, gid = 0;  // its owner if it is created
    std::string script;              // its reader's key in the table of scripts; empty: none
    bool operator==(const FifoPlan&) const = default;
};

// The objects whose events may be written to FIFOs: instances, sync groups, virtual servers.
struct FifoSubjects {
    std::vector<std::string> instances, groups, services;
};

struct HostPlan {
    std::vector<FifoPlan> fifos;
    vrrp::WatchPlan watch;
    std::uint32_t fifo_mode = 0600;
    std::optional<FifoSubjects> fifo_names;  // set if there are FIFOs
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

namespace mainstay::config {

template <class A>
void fields(A& a, LabelRule& r) {
    a(r.name, r.values);
}
template <class A>
void fields(A& a, ServerFileSource& s) {
    a(s.path, s.port, s.family, s.keep, s.drop);
}

}  // namespace mainstay::config

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
    a(p.files, p.processes, p.links, p.event_buffer, p.event_buffer_forced, p.server_files);
}

}  // namespace mainstay::vrrp
