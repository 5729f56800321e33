// Why a packet did not count, said once and then rarely: a neighbour that is set up wrongly repeats itself for ever.
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
    Damaged,       // its bytes: wire::BfdDefect
    Stranger,      // from an address that is nobody's neighbour, or to another address or port than the session's
    Unknown,       // names a session that is not ours
    OtherAddress,  // names a session of ours, but is not from its neighbour
    Ttl,           // came from too far
    Count_,        // how many there are
};

class Complaints {
public:
    static constexpr Seconds kEvery{60};

    // The line to log, or nothing while one of the same kind is fresh; then it says how many were left out.
    [[nodiscard]] std::optional<LogLine> say(Complaint kind, std::string_view text, Instant now);
    void clear() { kinds_ = {}; }

private:
    struct Kind {
        std::optional<Instant> said;
        std::uint64_t silent = 0;
    };
    std::array<Kind, static_cast<std::size_t>(Complaint::Count_)> kinds_{};
};

}  // namespace mainstay::bfd
