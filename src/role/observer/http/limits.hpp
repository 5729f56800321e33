// The bounds of the API. Each is counted when it is hit (Counters), and the counters are in the status.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mainstay::role::http {

// Root at the control socket has as many places of its own as all others together.
inline constexpr std::size_t kConnectionsMax = 64;             // of one listener; further ones are closed at once
inline constexpr std::size_t kConnectionsOfSourceMax = 16;     // of one address, or one account at the control socket
inline constexpr std::size_t kStreamsMax = 16;                 // of events, over all listeners
inline constexpr std::size_t kHeaderBytesMax = 8 * 1024;       // the request line with all fields
inline constexpr std::size_t kTargetBytesMax = 2 * 1024;       //
inline constexpr std::size_t kBodyBytesMax = 16 * 1024;        //
inline constexpr std::size_t kReasonBytesMax = 256;            // of maintenance, as mainstayctl has it
inline constexpr std::size_t kLingerBytesMax = 1 << 20;        // read and thrown away behind a refused request
inline constexpr std::size_t kEventsOfAnswerMax = 1000;        // the highest `limit`, and its default
inline constexpr std::size_t kEventsOfPieceMax = 100;          // that are written to a stream at once
inline constexpr std::chrono::seconds kRequestWithin{5};       // from the connection to the end of the request
inline constexpr std::chrono::seconds kAnswerWithin{10};       // also for a piece of a stream
inline constexpr std::chrono::seconds kRelayedWithin{20};      // for the load balancing process to answer
inline constexpr std::chrono::seconds kHeartbeatEvery{15};     // of a stream without events
inline constexpr std::chrono::milliseconds kAcceptPause{200};  // out of descriptors: the connection stays pending

}  // namespace mainstay::role::http
