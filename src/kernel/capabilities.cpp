#include "mainstay/kernel/capabilities.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>

namespace mainstay::kernel {
namespace {

struct Needed {
    int number;
    const char* name;
    const char* purpose;
};
constexpr Needed kNeeded[] = {
    {CAP_NET_ADMIN, "CAP_NET_ADMIN", "set addresses, routes and IPVS"},
    {CAP_NET_RAW, "CAP_NET_RAW", "send and receive VRRP, ARP and ping packets"},
    {CAP_SETUID, "CAP_SETUID", "give each role and script its account"},
    {CAP_SETGID, "CAP_SETGID", "give each role and script its account"},
    {CAP_SETPCAP, "CAP_SETPCAP", "take from each role the rights that it does not need"},
    {CAP_CHOWN, "CAP_CHOWN", "give files and folders to the accounts of the roles"},
    {CAP_FOWNER, "CAP_FOWNER", "give files and folders to the accounts of the roles"},
    {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", "write the pid file and state files"},
    {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", "read the configuration"},
    {CAP_KILL, "CAP_KILL", "end a role that hangs"},
    {CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE", "bind checks to low ports"},
    {CAP_SYS_NICE, "CAP_SYS_NICE", "set priorities"},
};

}  // namespace

std::vector<Capability> missing_capabilities() {
    std::vector<Capability> missing;
    for (const auto& [number, name, purpose] : kNeeded)
        if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) != 1) missing.push_back({name, purpose});
    return missing;
}

}  // namespace mainstay::kernel
