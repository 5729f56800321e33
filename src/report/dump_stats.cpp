#include <fmt/format.h>

#include "mainstay/report/dumps.hpp"

namespace mainstay::report {

vrrp::Counters counted(const DumpSource& source, const vrrp::InstanceSnapshot& instance) {
    vrrp::Counters now = instance.counters;
    const auto found = source.cleared.find(instance.name);
    if (found == source.cleared.end()) return now;
    const vrrp::Counters& from = found->second;
    // A counter below its value at the clearing belongs to an instance that has started again from 0.
    const auto since = [](std::uint64_t& value, std::uint64_t before) { value -= value >= before ? before : 0; };
    since(now.advert_rcvd, from.advert_rcvd);
    since(now.advert_sent, from.advert_sent);
    since(now.become_master, from.become_master);
    since(now.release_master, from.release_master);
    since(now.packet_len_err, from.packet_len_err);
    since(now.advert_interval_err, from.advert_interval_err);
    since(now.ip_ttl_err, from.ip_ttl_err);
    since(now.invalid_type_rcvd, from.invalid_type_rcvd);
    since(now.addr_list_err, from.addr_list_err);
    since(now.invalid_authtype, from.invalid_authtype);
    since(now.authtype_mismatch, from.authtype_mismatch);
    since(now.auth_failure, from.auth_failure);
    since(now.auth_ext_missing, from.auth_ext_missing);
    since(now.auth_ext_malformed, from.auth_ext_malformed);
    since(now.auth_ext_unknown_key, from.auth_ext_unknown_key);
    since(now.auth_ext_invalid_hmac, from.auth_ext_invalid_hmac);
    since(now.auth_ext_stale, from.auth_ext_stale);
    since(now.auth_ext_replay, from.auth_ext_replay);
    since(now.pri_zero_rcvd, from.pri_zero_rcvd);
    since(now.pri_zero_sent, from.pri_zero_sent);
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
