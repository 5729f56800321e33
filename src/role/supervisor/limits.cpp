#include "limits.hpp"

#include <algorithm>
#include <array>

namespace mainstay::role {
namespace {

constexpr std::uint64_t kGigabyte = 1ULL << 30;

// Descriptors and address space of a process without configuration, and what each kilobyte or byte of configuration
// adds. An encoded instance has at least 250 bytes and, with a VMAC, at most six sockets; at most 4096 health checks
// run at a time.
struct LimitRow {
    std::uint64_t descriptors, descriptors_per_kilobyte, address_space, address_space_per_byte, file_size = 0;
};
constexpr std::array<LimitRow, kRoles + 1> kRows{{
    {},  // the supervisor has no limits; the rest by Kind: vrrp, lvs, observer, bfd, SNMP
    {1024, 32, 1 * kGigabyte, 512},
    {8192, 0, 2 * kGigabyte, 512},
    {1024, 0, 4 * kGigabyte, 512, kGigabyte},  // it writes the mail spool, and dump files that are root's
    {1024, 64, 1 * kGigabyte, 512},
    {256, 0, 4 * kGigabyte, 512},
}};
constexpr LimitRow kReader{256, 0, 8 * kGigabyte, 0};
constexpr LimitRow kWatcher{4096, 0, 2 * kGigabyte, 0};  // one for the servers of each file until they are sent

constexpr kernel::ProcessLimits with(const LimitRow& row, std::uint64_t bytes) {
    return {row.descriptors + row.descriptors_per_kilobyte * (bytes / 1024),
            row.address_space + row.address_space_per_byte * bytes, row.file_size};
}

}  // namespace

kernel::ProcessLimits limits_of(Kind kind, std::uint64_t configuration_bytes) {
    return with(kRows.at(static_cast<std::size_t>(kind)), configuration_bytes);
}

kernel::ProcessLimits reader_limits() { return with(kReader, 0); }
kernel::ProcessLimits watcher_limits() { return with(kWatcher, 0); }

}  // namespace mainstay::role
