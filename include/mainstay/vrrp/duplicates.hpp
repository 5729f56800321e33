// Addresses that failed duplicate address detection (RFC 4862 5.4.5). The kernel keeps them unusable and never repeats
// the detection, so they are periodically removed and set again, until the other host no longer has the address.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "mainstay/base/time.hpp"

namespace mainstay::vrrp {

class DuplicateAddresses {
public:
    static constexpr Seconds kRetry{10};

    // True the first time for this address, since clear().
    [[nodiscard]] bool found(std::size_t position, Instant now) {
        due_[position] = now + kRetry;
        return known_.insert(position).second;
    }
    [[nodiscard]] std::optional<Instant> next() const {
        std::optional<Instant> earliest;
        for (const auto& [position, due] : due_)
            if (!earliest || due < *earliest) earliest = due;
        return earliest;
    }
    [[nodiscard]] std::vector<std::size_t> take_due(Instant now) {
        std::vector<std::size_t> positions;
        for (const auto& [position, due] : due_)
            if (due <= now) positions.push_back(position);
        for (const std::size_t position : positions) due_.erase(position);
        return positions;
    }
    [[nodiscard]] bool within(std::size_t positions) const { return due_.empty() || due_.rbegin()->first < positions; }
    void clear() {
        due_.clear();
        known_.clear();
    }

private:
    template <class A>
    friend void fields(A& archive, DuplicateAddresses& addresses);  // router_state.cpp
    std::map<std::size_t, Instant> due_;
    std::set<std::size_t> known_;
};

}  // namespace mainstay::vrrp
