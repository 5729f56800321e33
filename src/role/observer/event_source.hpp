// What the observer sees of a role: its events and its state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "mainstay/base/error.hpp"
#include "mainstay/base/framed_archive.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/ipc/status.hpp"
#include "role/common/blocks.hpp"

namespace mainstay::role {

struct EventSource {
    const char* name;
    std::optional<ipc::EventRing> ring;
    std::optional<ipc::StateBlock> block;
    std::optional<ipc::ReadMark> mark;
    std::uint64_t acknowledged = 0;
    std::uint64_t durable = 0;  // events up to here are on disk: the next incarnation continues after them

    // From inherited descriptors.
    [[nodiscard]] Result<void> map(int ring_descriptor, int block_descriptor, int mark_descriptor) {
        auto events = ipc::EventRing::map(ring_descriptor, false);
        if (!events) return error_of(events, name);
        ring.emplace(std::move(*events));
        auto state = ipc::StateBlock::map(block_descriptor, false);
        if (!state) return error_of(state, name);
        block.emplace(std::move(*state));
        auto read = ipc::ReadMark::map(mark_descriptor, true);
        if (!read) return error_of(read, name);
        mark.emplace(std::move(*read));
        return {};
    }
    // Has everything up to this number: the role may write over it.
    void acknowledge(std::uint64_t number) {
        acknowledged = number;
        mark->set(number);
    }
};

// What a role has published in its state block.

// None: there is no block, nothing is in it yet, or another version wrote it.
template <class Status>
std::optional<Status> read_status(const std::optional<ipc::StateBlock>& block) {
    if (!block) return std::nullopt;
    const auto bytes = block->read();
    if (!bytes) return std::nullopt;
    auto status = decode<Status>(*bytes);
    if (!status) return std::nullopt;
    if constexpr (std::is_same_v<Status, report::LvsStatus>) fill_in_omitted(*status);
    return std::move(*status);
}

// Whether states of the lvs role are large: have more servers than this.
class LargeStates {
public:
    static constexpr std::size_t kServersMax = 10'000;

    std::optional<report::LvsStatus> noted(std::optional<report::LvsStatus> status) {
        std::size_t servers = 0;
        if (status)
            for (const auto& service : status->services) servers += service.servers.size();
        is_last_ = status ? servers > kServersMax : is_last_;
        was_read_ = was_read_ || servers > kServersMax;
        return status;
    }
    [[nodiscard]] bool is_last() const { return is_last_; }
    [[nodiscard]] bool was_read() { return std::exchange(was_read_, false); }  // since the last call

private:
    bool is_last_ = false, was_read_ = false;
};

}  // namespace mainstay::role
