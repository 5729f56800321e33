// What an errno means for a request: the only place that decides whether EEXIST, ENOENT and the like are success.
#pragma once

#include <cstdint>

namespace mainstay::netlink {

enum class Request : std::uint8_t {
    AddAddress,
    RemoveAddress,
    AddService,
    SetService,
    DeleteService,
    AddDestination,
    SetDestination,
    DeleteDestination,
    Flush,
    Dump,
    AddRouting,  // a route or a rule
    RemoveRouting,
};

enum class Verdict : std::uint8_t {
    Done,      // errno 0 only
    Forgiven,  // refused because the desired state exists already
    Failed,
};

// `sys_errno` is positive or 0.
[[nodiscard]] Verdict judge(Request request, int sys_errno);

}  // namespace mainstay::netlink
