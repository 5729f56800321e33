#include <fmt/format.h>

#include <array>

#include "counter_names.hpp"
#include "dump_text.hpp"
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

namespace {

// What stands before each number.
constexpr std::array kStatistics = {
    NamedCounter{"\n  Advertisements:\n    Received: ", &vrrp::Counters::advert_rcvd},
    NamedCounter{"\n    Sent: ", &vrrp::Counters::advert_sent},
    NamedCounter{"\n  Became master: ", &vrrp::Counters::become_master},
    NamedCounter{"\n  Released master: ", &vrrp::Counters::release_master},
    NamedCounter{"\n  Packet Errors:\n    Length: ", &vrrp::Counters::packet_len_err},
    NamedCounter{"\n    TTL: ", &vrrp::Counters::ip_ttl_err},
    NamedCounter{"\n    Invalid Type: ", &vrrp::Counters::invalid_type_rcvd},
    NamedCounter{"\n    Advertisement Interval: ", &vrrp::Counters::advert_interval_err},
    NamedCounter{"\n    Address List: ", &vrrp::Counters::addr_list_err},
    NamedCounter{"\n  Authentication Errors:\n    Invalid Type: ", &vrrp::Counters::invalid_authtype},
    NamedCounter{"\n    Type Mismatch: ", &vrrp::Counters::authtype_mismatch},
    NamedCounter{"\n    Failure: ", &vrrp::Counters::auth_failure},
    NamedCounter{"\n  Authentication Extension Errors:\n    Missing: ", &vrrp::Counters::auth_ext_missing},
    NamedCounter{"\n    Malformed: ", &vrrp::Counters::auth_ext_malformed},
    NamedCounter{"\n    Unknown Key: ", &vrrp::Counters::auth_ext_unknown_key},
    NamedCounter{"\n    Invalid HMAC: ", &vrrp::Counters::auth_ext_invalid_hmac},
    NamedCounter{"\n    Stale: ", &vrrp::Counters::auth_ext_stale},
    NamedCounter{"\n    Replay: ", &vrrp::Counters::auth_ext_replay},
    NamedCounter{"\n  Priority Zero:\n    Received: ", &vrrp::Counters::pri_zero_rcvd},
    NamedCounter{"\n    Sent: ", &vrrp::Counters::pri_zero_sent},
};

}  // namespace

std::string dump_stats(const DumpSource& source) {
    std::string out;
    if (source.vrrp == nullptr) return out;
    for (const auto& instance : source.vrrp->router.instances) {
        const auto counters = counted(source, instance);
        out.append("VRRP Instance: ").append(instance.name);
        for (const auto& [before, value] : kStatistics) {
            out.append(before);
            put_number(out, counters.*value);
        }
        out += '\n';
    }
    return out;
}

}  // namespace mainstay::report
