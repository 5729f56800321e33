// Checks that are not run but follow something else: FILE_CHECK the number in a tracked file, BFD_CHECK a session.
// Their results are facts like any other, without timers and retries.
#pragma once

#include <cstdint>
#include <string_view>

#include "judge.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

[[nodiscard]] constexpr bool is_followed(config::Checker::Type type) {
    return type == config::Checker::Type::File || type == config::Checker::Type::Bfd;
}
// Of the track_file block or the bfd_instance; empty for other kinds.
[[nodiscard]] std::string_view followed_name(const config::Checker& checker);

// How a file's number counts, as its track_file block says it.
struct FileRule {
    std::int64_t weight = 1;
    bool reverse = false;
};
// What the number means for this server. The check's own weight goes before the block's.
[[nodiscard]] CheckFinished file_result(CheckerId id, const config::RealServer& server, const config::Checker& checker,
                                        FileRule rule, std::int64_t number);
[[nodiscard]] CheckFinished bfd_result(CheckerId id, bool up);

// Of an agent that asks for so many percent: rounded, and at least 1 unless it or the configured one is 0.
[[nodiscard]] std::int64_t part_of_weight(std::int64_t configured, std::uint32_t percent);

}  // namespace mainstay::lvs
