#include "mainstay/netlink/verdicts.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace mainstay::netlink {
namespace {

struct Forgivable {
    Request request;
    int sys_errno;
};

// IPVS: a missing service is ESRCH, a missing destination ENOENT; a destination of a missing service does not exist
// either. ENOENT for a service means an unknown scheduler or engine, which is a failure. Addresses and routes of a
// removed interface (ENODEV) do not exist any more. A missing route is ESRCH, a missing rule ENOENT.
// EEXIST does not mean equal settings: the caller compares with a dump afterwards.
constexpr std::array kForgivable{
    Forgivable{Request::AddAddress, EEXIST},        Forgivable{Request::RemoveAddress, EADDRNOTAVAIL},
    Forgivable{Request::RemoveAddress, ENODEV},     Forgivable{Request::AddService, EEXIST},
    Forgivable{Request::DeleteService, ESRCH},      Forgivable{Request::AddDestination, EEXIST},
    Forgivable{Request::DeleteDestination, ENOENT}, Forgivable{Request::DeleteDestination, ESRCH},
    Forgivable{Request::AddRouting, EEXIST},        Forgivable{Request::RemoveRouting, ESRCH},
    Forgivable{Request::RemoveRouting, ENOENT},     Forgivable{Request::RemoveRouting, ENODEV},
};

}  // namespace

Verdict judge(Request request, int sys_errno) {
    if (sys_errno == 0) return Verdict::Done;
    const bool forgiven = std::ranges::any_of(
        kForgivable, [&](const Forgivable& row) { return row.request == request && row.sys_errno == sys_errno; });
    return forgiven ? Verdict::Forgiven : Verdict::Failed;
}

}  // namespace mainstay::netlink
