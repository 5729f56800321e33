// Helpers shared by the files of KEEPALIVED-MIB.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/report/snmp.hpp"

namespace mainstay::report {

struct TrackedByName {
    std::string name;
    int weight = 0;  // the reference's own weight, else its definition's
    bool reverse = false;
};
// Whose references they are: files and BFD sessions with a weight do not act for an address owner, nor for the member
// of a group without sync_group_tracking_weight; but for that one a file with weight 1, as with weight 0.
struct Tracks {
    bool owner = false, member = false;
};
[[nodiscard]] Tracks tracks_of(const config::Config& config, const config::Instance& instance);
// The references to track_file, track_bfd or track_process blocks of an instance or group that act, as keepalived lists
// them.
[[nodiscard]] std::vector<TrackedByName> tracked_of(const config::Config& config,
                                                    const CompactOptional<config::ExtraSettings>& more,
                                                    const config::Keyword<config::Section>& block, Tracks whose);
// Whether the vrrp process hears of this bfd_instance; of one with `checker` alone only the lvs process does.
[[nodiscard]] bool is_for_vrrp(const config::Section& bfd);

[[nodiscard]] constexpr std::uint64_t whole_seconds(Micros time) {
    return static_cast<std::uint64_t>(time.count() / 1'000'000);
}
[[nodiscard]] constexpr std::uint64_t microseconds(Micros time) { return static_cast<std::uint64_t>(time.count()); }
// Converts an rtnetlink scope to an InetScopeType (RFC 4001); 0: it has none.
[[nodiscard]] int scope_number(std::uint8_t scope);

}  // namespace mainstay::report
