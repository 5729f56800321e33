// The counters of an instance under the names that dumps and JSON have for them, in their order.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "mainstay/vrrp/facts.hpp"

namespace mainstay::report {

struct NamedCounter {
    std::string_view name;
    std::uint64_t vrrp::Counters::* value;
};

// keepalived's.
inline constexpr std::array kKeepalivedCounters = {
    NamedCounter{"advert_rcvd", &vrrp::Counters::advert_rcvd},
    NamedCounter{"advert_sent", &vrrp::Counters::advert_sent},
    NamedCounter{"become_master", &vrrp::Counters::become_master},
    NamedCounter{"release_master", &vrrp::Counters::release_master},
    NamedCounter{"packet_len_err", &vrrp::Counters::packet_len_err},
    NamedCounter{"advert_interval_err", &vrrp::Counters::advert_interval_err},
    NamedCounter{"ip_ttl_err", &vrrp::Counters::ip_ttl_err},
    NamedCounter{"invalid_type_rcvd", &vrrp::Counters::invalid_type_rcvd},
    NamedCounter{"addr_list_err", &vrrp::Counters::addr_list_err},
    NamedCounter{"invalid_authtype", &vrrp::Counters::invalid_authtype},
    NamedCounter{"authtype_mismatch", &vrrp::Counters::authtype_mismatch},
    NamedCounter{"auth_failure", &vrrp::Counters::auth_failure},
    NamedCounter{"auth_ext_missing", &vrrp::Counters::auth_ext_missing},
    NamedCounter{"auth_ext_malformed", &vrrp::Counters::auth_ext_malformed},
    NamedCounter{"auth_ext_unknown_key", &vrrp::Counters::auth_ext_unknown_key},
    NamedCounter{"auth_ext_invalid_hmac", &vrrp::Counters::auth_ext_invalid_hmac},
    NamedCounter{"auth_ext_stale", &vrrp::Counters::auth_ext_stale},
    NamedCounter{"auth_ext_replay", &vrrp::Counters::auth_ext_replay},
    NamedCounter{"pri_zero_rcvd", &vrrp::Counters::pri_zero_rcvd},
    NamedCounter{"pri_zero_sent", &vrrp::Counters::pri_zero_sent},
};

// Those that keepalived has not.
inline constexpr std::array kOwnCounters = {
    NamedCounter{"checksum_err", &vrrp::Counters::checksum_err},
    NamedCounter{"version_err", &vrrp::Counters::version_err},
    NamedCounter{"rival_masters", &vrrp::Counters::rival_masters},
    NamedCounter{"addresses_restored", &vrrp::Counters::addresses_restored},
    NamedCounter{"routing_restored", &vrrp::Counters::routing_restored},
    NamedCounter{"duplicate_addresses", &vrrp::Counters::duplicate_addresses},
    NamedCounter{"deadlines_late", &vrrp::Counters::deadlines_late},
    NamedCounter{"adverts_skipped", &vrrp::Counters::adverts_skipped},
};

}  // namespace mainstay::report
