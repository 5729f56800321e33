// What an errno means for a request: the only place where EEXIST, ENOENT and their kin are judged.
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
    Done,      // errno 0, nothing else
    Forgiven,  // refused, but what was wanted is so already
    Failed,
};

// `sys_errno` is positive or 0.
[[nodiscard]] Verdict judge(Request request, int sys_errno);

}  // namespace mainstay::netlink
