// Logs why packets were discarded, once and then rarely, because a misconfigured neighbour keeps sending them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::bfd {

enum class Complaint : std::uint8_t {
    Damaged,       // malformed: wire::BfdDefect
    Stranger,      // the source is no neighbour, or the destination is not a session's address and port
    Unknown,       // its discriminator matches no session
    OtherAddress,  // its discriminator matches a session, but the source is not its neighbour
    Ttl,           // the TTL is too low
    Count_,        // how many there are
};

class Complaints {
public:
    static constexpr Seconds kEvery{60};

    // The line to log; none if one of the same kind was logged recently. The next line reports how many were
    // suppressed.
    [[nodiscard]] std::optional<LogLine> line(Complaint kind, std::string_view text, Instant now);
    void clear() { kinds_ = {}; }

private:
    struct Kind {
        std::optional<Instant> last;
        std::uint64_t silent = 0;
    };
    std::array<Kind, static_cast<std::size_t>(Complaint::Count_)> kinds_{};
};

}  // namespace mainstay::bfd
