// What the kernel's scheduler `mh` decides: the table of a service, and the server of each flow. Pure, and equal to the
// kernel's bit for bit, so that several directors can prove that they agree, and a flow's server can be named without
// asking the kernel.
//
// The method is Maglev's (Eisenbud et al., NSDI 2016, section 3.4). Linux adds weights, SipHash-1-3 as the hash on
// 64-bit kernels, and lets the destinations claim slots in the order of its list, whose head is the newest one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "mainstay/base/ip.hpp"
#include "table.hpp"

namespace mainstay::lvs {

// CONFIG_IP_VS_MH_TAB_INDEX 8 to 17 of the kernel's build chooses one of these primes.
inline constexpr std::array<std::uint32_t, 10> kMhTableSizes{251,  509,   1021,  2039,  4093,
                                                             8191, 16381, 32749, 65521, 131071};
inline constexpr std::uint32_t kMhUsualTableSize = 4093;

struct MhDestination {
    Endpoint endpoint;
    // The weight given when it was added, or the last one since that was not 0. 0: added with 0, has no slot.
    std::uint32_t last_weight = 1;
    bool operator==(const MhDestination&) const = default;
};

struct MhFlags {            // of the service's scheduler
    bool fallback = false;  // mh-fallback: another slot when the server takes no new flow
    bool port = false;      // mh-port: the client's port counts
};

class MhTable {
public:
    // `destinations` in the order of the kernel's list, the newest first; `size` one of kMhTableSizes, else the table
    // is empty, as it is without any weight.
    MhTable(std::span<const MhDestination> destinations, std::uint32_t size);

    // For each slot the index of its destination.
    [[nodiscard]] const std::vector<std::uint32_t>& slots() const { return slots_; }
    // The slot that a client's new flow is given by; none: the table is empty.
    [[nodiscard]] std::optional<std::size_t> slot_of(const Endpoint& client, MhFlags flags) const;
    // The destination of a client's new flow. `available(index)`: its weight is not 0 and it is below its upper
    // threshold. None: the packet is refused.
    [[nodiscard]] std::optional<std::size_t> choose(const Endpoint& client, MhFlags flags,
                                                    const std::function<bool(std::size_t)>& available) const;
    // Equal for tables of equal size whose slots have equal endpoints.
    [[nodiscard]] std::uint64_t digest() const;

private:
    [[nodiscard]] std::size_t slot_at(const Endpoint& client, bool port, std::uint32_t offset) const;

    std::vector<Endpoint> endpoints_;
    std::vector<std::uint32_t> slots_;
};

// The size of a kernel's mh tables by its boot configuration (kernel::boot_configuration()); none if it does not say.
[[nodiscard]] std::optional<std::uint32_t> mh_table_size(std::string_view boot_configuration);

// The digest of a service's mh table in the kernel: equal digests on several directors prove that they give a flow to
// the same server.

// Making a table takes a fraction of a millisecond: digests are kept while destinations, order and shares are the same.
class MhDigests {
public:
    explicit MhDigests(std::uint32_t slots) : slots_{slots} {}  // one of kMhTableSizes

    // `kernel`: its newest destination first.
    [[nodiscard]] std::uint64_t of(const ServiceTable& kernel);
    void keep_only(const std::set<netlink::IpvsServiceKey>& services);  // after a reload

private:
    struct Known {
        std::vector<MhDestination> destinations;
        std::uint64_t digest = 0;
    };
    std::uint32_t slots_;
    std::map<netlink::IpvsServiceKey, Known> known_;
};

}  // namespace mainstay::lvs
