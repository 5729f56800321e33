// Compares VMACs. Two routers with a VMAC have the same MAC address. The kernel delivers a frame from that address only
// to the local VMAC with it, so a router that listens on the parent interface (vmac_xmit_base) does not receive it.
#include <cstdlib>

#include "pair_report.hpp"

namespace mainstay::config {
namespace {

using Where = PairFinding::Where;

// Unicast never leaves from a VMAC, and strict mode takes no notice of the keyword.
bool sends_from_vmac(const Instance& instance) {
    const bool base = value_of<bool>(instance.more->values, "vmac_xmit_base").value_or(false) && !instance.strict;
    return instance.vmac.enabled && instance.unicast_peers.empty() && !base;
}

// An address of one's own; what is a multicast address, or of the RFC's range, is not used, and nothing in strict mode.
std::string own_mac(const Instance& instance) {
    const std::string& written = instance.vmac.mac;
    const bool multicast = (std::strtoul(written.substr(0, written.find(':')).c_str(), nullptr, 16) & 1U) != 0;
    const bool range = written.starts_with("00:00:5e:00:01") || written.starts_with("00:00:5e:00:02");
    return instance.strict || multicast || range ? std::string{} : written;
}

void deaf(PairReport& report, const InstancePair& pair, Where where) {
    const bool first = where == Where::First;
    const Instance& own = first ? pair.first : pair.second;
    const Instance& other = first ? pair.second : pair.first;
    const std::string& here = report.name(where);
    const std::string& there = report.name(first ? Where::Second : Where::First);
    const bool both = own.priority <= other.priority;
    report.add(both ? Severity::Error : Severity::Warning, Code::PairProtocol, Where::Both,
               fmt::format("{0}: vmac_xmit_base in {1} only: {1} does not receive what {2} sends from its VMAC, {3}",
                           pair.name(), here, there,
                           both ? std::string{"and both become MASTER"}
                                : fmt::format("and takes the addresses whenever it starts; while its priority is below "
                                              "that of {} there are two MASTERs",
                                              there)),
               "set vmac_xmit_base in both or in neither");
}

}  // namespace

void compare_vmacs(PairReport& report, const InstancePair& pair) {
    const Instance& a = pair.first;
    const Instance& b = pair.second;
    if (a.vmac.enabled != b.vmac.enabled)
        return report.add(
            Severity::Note, Code::PairProtocol, a.vmac.enabled ? Where::Second : Where::First,
            fmt::format("{}: use_vmac in {} only: the MAC address of the virtual addresses changes at each takeover",
                        pair.name(), a.vmac.enabled ? report.names.first : report.names.second),
            "set use_vmac in both or in neither");
    // Between unicast and multicast there is worse to report; with another address the kernel has no reason.
    if (!a.vmac.enabled || own_mac(a) != own_mac(b) || a.unicast_peers.empty() != b.unicast_peers.empty()) return;
    if (sends_from_vmac(a) == sends_from_vmac(b)) return;
    deaf(report, pair, sends_from_vmac(a) ? Where::Second : Where::First);
}

}  // namespace mainstay::config
