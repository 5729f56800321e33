// The messages of grpc.health.v1.Health/Check with their gRPC frame (gRPC over HTTP/2: one byte for compression, four
// for the length).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::wire {

// The size limit of an answer in bytes. It usually has a few; unknown fields may make it longer.
inline constexpr std::size_t kGrpcAnswerMax = 4096;

enum class Serving : std::uint8_t { Unknown = 0, Serving = 1, NotServing = 2, ServiceUnknown = 3 };
[[nodiscard]] std::string_view to_string(Serving serving);  // "NOT_SERVING"

// The framed request; an empty name asks about the server as a whole.
[[nodiscard]] std::string grpc_health_request(std::string_view service);
// Decodes the complete body of an answer. Unknown values of the enumeration count as Unknown.
[[nodiscard]] Result<Serving> grpc_health_answer(std::string_view body);

}  // namespace mainstay::wire
