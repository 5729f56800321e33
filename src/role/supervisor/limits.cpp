#include "limits.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "impl.hpp"

namespace mainstay::role {
namespace {

constexpr std::uint64_t kGigabyte = 1ULL << 30;
constexpr std::uint64_t kRoomToGrow = 4ULL << 20;  // bytes of a configuration

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

std::uint64_t size_of(const UniqueFd& snapshot) {
    struct stat facts{};
    return snapshot && ::fstat(snapshot.get(), &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
}

}  // namespace

kernel::ProcessLimits limits_of(Kind kind, std::uint64_t configuration_bytes) {
    return with(kRows.at(static_cast<std::size_t>(kind)), configuration_bytes);
}

kernel::ProcessLimits reader_limits() { return with(kReader, 0); }
kernel::ProcessLimits watcher_limits() { return with(kWatcher, 0); }

// The size of the running configuration or of the next one, whichever is larger. Where the limits of a running process
// cannot be raised later, room for a larger configuration is added at its start.
std::uint64_t Supervisor::configuration_bytes(Kind kind) const {
    std::uint64_t running = 0, next = 0;
    for (const Kind part : kRoleKinds) {
        if (part != kind && !traits_of(kind).only_watches) continue;
        running += size_of(current_.part(part).snapshot);
        next += size_of(next_.part(part).snapshot);
    }
    return std::max({running, next, may_raise_limits_ ? 0 : kRoomToGrow});
}

void Supervisor::raise_limits(const Child& child) {
    if (!may_raise_limits_ || !child.alive()) return;
    const auto raised = kernel::limit_process(child.pid, limits_of(child.kind, configuration_bytes(child.kind)));
    if (!raised) log_.warning("{} process({}): {}", label(child.kind), child.pid, raised.error().text());
}

}  // namespace mainstay::role
