// Event-driven checks, which follow a state instead of probing: FILE_CHECK the number in a tracked file, BFD_CHECK a
// BFD session. Their results are facts like any other, without timers and retries.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "judge.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

[[nodiscard]] constexpr bool is_followed(config::Checker::Type type) {
    return type == config::Checker::Type::File || type == config::Checker::Type::Bfd;
}
// The name of the track_file block or the bfd_instance; empty for other kinds.
[[nodiscard]] std::string_view followed_name(const config::Checker& checker);

// The rule of a check: its own weight overrides the block's.
[[nodiscard]] FileRule rule_of(const config::Checker& checker, FileRule of_block);
// The check result for this number, by the rule of the block.
[[nodiscard]] CheckFinished file_result(CheckerId id, const config::RealServer& server, const config::Checker& checker,
                                        FileRule rule, std::int64_t number);
// The same from what is known of the host; none: another check, or a file of which nothing is known.
[[nodiscard]] std::optional<CheckFinished> known_result(const config::RealServer& server,
                                                        const config::Checker& checker, const HostFacts& host);
[[nodiscard]] CheckFinished bfd_result(CheckerId id, bool up);

// The weight for a percentage from an agent: rounded, at least 1 unless the percentage or the configured weight is 0.
[[nodiscard]] std::int64_t part_of_weight(std::int64_t configured, std::uint32_t percent);

}  // namespace mainstay::lvs
