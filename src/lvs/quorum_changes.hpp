// A service gains or loses its quorum; the sorry server is removed or added accordingly.
#pragma once

#include <cstddef>

#include "services.hpp"

namespace mainstay::lvs {

// At Start and Reload the whole table is written anyway. At Start the service is reported for the first time.
enum class QuorumChange : std::uint8_t { Running, Start, Reload };

// Compares the weight of the service with its quorum, and reports changes.
void follow_quorum(Services& services, std::size_t service, QuorumChange when, Intents& out);
// The same without a report.
void settle_quorum(Services& services, std::size_t service);

}  // namespace mainstay::lvs
