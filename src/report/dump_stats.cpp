#include <fmt/format.h>

#include "counter_names.hpp"
#include "mainstay/report/dumps.hpp"

namespace mainstay::report {

vrrp::Counters counted(const DumpSource& source, const vrrp::InstanceSnapshot& instance) {
    vrrp::Counters now = instance.counters;
    const auto found = source.cleared.find(instance.name);
    if (found == source.cleared.end()) return now;
    const vrrp::Counters& from = found->second;
    // A counter below its value at the clearing belongs to an instance that has started again from 0.
    for (const auto& [name, value] : kKeepalivedCounters) now.*value -= now.*value >= from.*value ? from.*value : 0;
    return now;
}

std::string dump_stats(const DumpSource& source) {
    std::string out;
    if (source.vrrp == nullptr) return out;
    for (const auto& instance : source.vrrp->router.instances) {
        const auto c = counted(source, instance);
        out += fmt::format(
            "VRRP Instance: {}\n"
            "  Advertisements:\n"
            "    Received: {}\n"
            "    Sent: {}\n"
            "  Became master: {}\n"
            "  Released master: {}\n",
            instance.name, c.advert_rcvd, c.advert_sent, c.become_master, c.release_master);
        out += fmt::format(
            "  Packet Errors:\n"
            "    Length: {}\n"
            "    TTL: {}\n"
            "    Invalid Type: {}\n"
            "    Advertisement Interval: {}\n"
            "    Address List: {}\n"
            "  Authentication Errors:\n"
            "    Invalid Type: {}\n"
            "    Type Mismatch: {}\n"
            "    Failure: {}\n",
            c.packet_len_err, c.ip_ttl_err, c.invalid_type_rcvd, c.advert_interval_err, c.addr_list_err,
            c.invalid_authtype, c.authtype_mismatch, c.auth_failure);
        out += fmt::format(
            "  Authentication Extension Errors:\n"
            "    Missing: {}\n"
            "    Malformed: {}\n"
            "    Unknown Key: {}\n"
            "    Invalid HMAC: {}\n"
            "    Stale: {}\n"
            "    Replay: {}\n"
            "  Priority Zero:\n"
            "    Received: {}\n"
            "    Sent: {}\n",
            c.auth_ext_missing, c.auth_ext_malformed, c.auth_ext_unknown_key, c.auth_ext_invalid_hmac, c.auth_ext_stale,
            c.auth_ext_replay, c.pri_zero_rcvd, c.pri_zero_sent);
    }
    return out;
}

}  // namespace mainstay::report
