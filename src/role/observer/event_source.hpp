// What the observer sees of a role: its events and its state.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "mainstay/base/error.hpp"
#include "mainstay/ipc/shared.hpp"

namespace mainstay::role {

struct EventSource {
    const char* name;
    std::optional<ipc::EventRing> ring;
    std::optional<ipc::StateBlock> block;
    std::uint64_t acknowledged = 0;
    std::uint64_t durable = 0;  // events up to here are on disk: the next incarnation continues after them

    // From inherited descriptors.
    [[nodiscard]] Result<void> map(int ring_descriptor, int block_descriptor) {
        auto events = ipc::EventRing::map(ring_descriptor, false);
        if (!events) return error_of(events, name);
        ring.emplace(std::move(*events));
        auto state = ipc::StateBlock::map(block_descriptor, false);
        if (!state) return error_of(state, name);
        block.emplace(std::move(*state));
        return {};
    }
};

}  // namespace mainstay::role
