// What a role has published in its state block.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "mainstay/base/framed_archive.hpp"
#include "mainstay/ipc/bfd_status.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/ipc/status.hpp"
#include "role/common/lvs_block.hpp"

namespace mainstay::role {

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

}  // namespace mainstay::role
