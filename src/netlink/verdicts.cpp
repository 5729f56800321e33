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

// IPVS names an absent service ESRCH and an absent destination ENOENT; a destination of an absent service is gone
// with it. ENOENT for a service means an unknown scheduler or engine, which is a failure. An address on an interface
// that has vanished (ENODEV) is gone too.
// A route that is absent is ESRCH, a rule ENOENT; a route through an interface that has vanished (ENODEV) is gone.
// "Exists" says nothing about equal settings: whoever adds compares with a dump afterwards.
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
