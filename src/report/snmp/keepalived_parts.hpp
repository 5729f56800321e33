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
// The references to track_file, track_bfd or track_process blocks of an instance or group.
[[nodiscard]] std::vector<TrackedByName> tracked_of(const config::Config& config,
                                                    const CompactOptional<config::ExtraSettings>& more,
                                                    const config::Keyword<config::Section>& block);

[[nodiscard]] constexpr std::uint64_t whole_seconds(Micros time) {
    return static_cast<std::uint64_t>(time.count() / 1'000'000);
}
[[nodiscard]] constexpr std::uint64_t microseconds(Micros time) { return static_cast<std::uint64_t>(time.count()); }
// Converts an rtnetlink scope to an InetScopeType (RFC 4001); 0: it has none.
[[nodiscard]] int scope_number(std::uint8_t scope);

}  // namespace mainstay::report
