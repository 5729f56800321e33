// The digest of a service's mh table in the kernel: equal digests on several directors prove that they give a flow to
// the same server.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "mh_table.hpp"
#include "table.hpp"

namespace mainstay::lvs {

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
